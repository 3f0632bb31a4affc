package conf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	maxToken     = 16 << 10         // bytes; OAuth tokens are about 2 KiB
	tokenCommand = 30 * time.Second // a password manager that asks longer than this is waiting for nobody
)

// ErrNoToken means that the node's configuration names no token source.
var ErrNoToken = errors.New("no token: set token_env, token_file or token_command under [tenant]")

// Token fetches the tenant's token from where parley.toml says. It is asked for again on every call, so
// a rotated token is found. No error ever holds the token, a command's output, or a variable's value.
func (n *Node) Token(ctx context.Context) (string, error) {
	t := n.Tenant
	switch {
	case t.TokenEnv != "":
		return cleanToken(os.Getenv(t.TokenEnv), "environment variable "+t.TokenEnv)
	case t.TokenFile != "":
		path := t.TokenFile
		if !filepath.IsAbs(path) {
			path = filepath.Join(n.home, path)
		}
		return readToken(path)
	case t.TokenCommand != "":
		return runToken(ctx, t.TokenCommand, n.home)
	}
	return "", ErrNoToken
}

func readToken(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("reading the token file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat() // of the open file: what is checked is what is read
	if err != nil {
		return "", fmt.Errorf("reading the token file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("token file %s is not a regular file", path)
	}
	if loose := info.Mode().Perm() & 0o077; loose != 0 {
		return "", fmt.Errorf("token file %s can be read by others (mode %04o): chmod 600 it: %w", path, info.Mode().Perm(), fs.ErrPermission)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxToken+1))
	if err != nil {
		return "", fmt.Errorf("reading the token file: %w", err)
	}
	return cleanToken(string(b), "token file "+path)
}

// runToken runs the operator's command. Its standard error is not shown: some tools echo secrets there.
func runToken(ctx context.Context, command, dir string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, tokenCommand)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	cmd.Dir, cmd.WaitDelay = dir, time.Second
	out := &capped{left: maxToken + 1}
	cmd.Stdout = out
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return "", fmt.Errorf("running token_command: %w", ctx.Err())
		}
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return "", fmt.Errorf("running token_command: it ended with status %d", exit.ExitCode())
		}
		return "", fmt.Errorf("running token_command: %w", err)
	}
	return cleanToken(out.String(), "token_command")
}

// capped keeps the first bytes written to it and swallows the rest.
type capped struct {
	bytes.Buffer
	left int
}

func (c *capped) Write(p []byte) (int, error) {
	keep := min(len(p), c.left)
	c.left -= keep
	c.Buffer.Write(p[:keep])
	return len(p), nil
}

// cleanToken takes the first line and refuses what cannot be a header value.
func cleanToken(s, from string) (string, error) {
	if len(s) > maxToken {
		return "", fmt.Errorf("%s holds more than %d bytes", from, maxToken)
	}
	line, rest, _ := strings.Cut(strings.TrimSpace(s), "\n")
	line = strings.TrimSpace(line)
	switch {
	case line == "":
		return "", fmt.Errorf("%s is empty", from)
	case strings.TrimSpace(rest) != "":
		return "", fmt.Errorf("%s holds more than one line", from)
	case strings.ContainsFunc(line, func(r rune) bool { return r < 0x21 || r > 0x7e }):
		return "", fmt.Errorf("%s holds characters that no token has", from)
	}
	return line, nil
}
