package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"parley/conf"
	"parley/node"
)

// defaultRedirect is what the client must be registered with, unless --redirect names another.
const defaultRedirect = "http://localhost:7845/callback"

const maxPasted = 8 << 10 // bytes of an address

func newAuth(w *words) *cobra.Command {
	return group(&cobra.Command{
		Use:   "auth",
		Short: "how the node logs in to its tenant",
		Long: `How the node logs in to its tenant, as auth under [tenant] in parley.toml says:

  token               an API token of an account; one with scopes needs gateway =
                      "https://api.atlassian.com" too
  oauth               a person's consent ("parley auth login"), renewed by itself
  client_credentials  a service account's client_id and client_secret_env`,
		Example: "  parley auth status --home acme",
	}, newAuthLogin(w), newAuthStatus(w))
}

func newAuthLogin(w *words) *cobra.Command {
	var paste bool
	var redirect string
	var patience time.Duration
	c := &cobra.Command{
		Use:   "login",
		Short: "log in to the tenant by a person's consent (OAuth 2.0)",
		Long: `Prints an address for a browser, waits until a person has allowed access there,
and keeps the login in the home. Whoever consents is who the node is from then
on. A running node takes the login at once.

The browser comes back to ` + defaultRedirect + ` on this machine: register
exactly that as the client's callback address, or name another with --redirect.
With --paste nothing listens: the browser may run elsewhere, ends at a page that
cannot be shown, and its whole address is typed or piped in here.

JSON: as "parley auth status --json"`,
		Example: `  parley auth login --home acme
  parley auth login --home acme --paste`,
		Args: takes(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			dir, err := w.dir()
			if err != nil {
				return err
			}
			login, err := node.BeginLogin(dir, redirect)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(c.Context(), patience)
			defer cancel()
			say := c.ErrOrStderr()
			var returned string
			if paste {
				fmt.Fprintf(say, "open this address in a browser, accept, and paste the address that it ends at:\n%s\n", login.URL)
				returned, err = pasted(ctx, c.InOrStdin())
			} else {
				returned, err = awaitBrowser(ctx, redirect, login.Ours, func() {
					fmt.Fprintf(say, "open this address in a browser on this machine, and accept:\n%s\n", login.URL)
				})
			}
			if err != nil {
				return err
			}
			s, err := login.Finish(c.Context(), returned)
			if err != nil {
				return err
			}
			return printAuth(c.OutOrStdout(), s, w.json)
		},
	}
	f := c.Flags()
	f.BoolVar(&paste, "paste", false, "do not listen: read the address that the browser ends at from standard input")
	f.StringVar(&redirect, "redirect", defaultRedirect, "the client's callback address, as registered")
	f.DurationVar(&patience, "timeout", 10*time.Minute, "how long to wait for the person")
	return c
}

// pasted reads one line. The read itself cannot be broken off: the process ends.
func pasted(ctx context.Context, from io.Reader) (string, error) {
	type read struct {
		line string
		err  error
	}
	got := make(chan read, 1)
	go func() {
		line, err := bufio.NewReader(io.LimitReader(from, maxPasted)).ReadString('\n')
		if errors.Is(err, io.EOF) && line != "" {
			err = nil
		}
		got <- read{strings.TrimSpace(line), err}
	}()
	select {
	case r := <-got:
		if r.err != nil || r.line == "" {
			return "", &node.Advice{Err: errors.New("no address was given"), Hint: "paste the whole address, with code and state in it"}
		}
		return r.line, nil
	case <-ctx.Done():
		return "", &node.Advice{Err: errors.New("nobody logged in"), Hint: "begin again"}
	}
}

func newAuthStatus(w *words) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "how the node logs in, and until when that holds",
		Long: `Shows how the node logs in to its tenant and until when that holds, without
calling it ("parley doctor" calls it). Exit status 1 where a person must act.

JSON: {"auth":"token|oauth|client_credentials","site":"…","gateway":"…","cloud_id":"…","user":"…","client_id":"…",
 "account":"…","scopes":["…"],"state":"ok|ending|ended|login|failing","expires":"2027-03-01","renewed":"…","until":"…",
 "unused":"…","detail":"…","next":"…"}`,
		Example: "  parley auth status --home acme --json",
		Args:    takes(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			dir, err := w.dir()
			if err != nil {
				return err
			}
			s, err := node.AuthStatusOf.Ask(c.Context(), dir, node.Nothing{})
			if err != nil {
				return err
			}
			if err := printAuth(c.OutOrStdout(), s, w.json); err != nil {
				return err
			}
			if !s.Holds() {
				return errTold
			}
			return nil
		},
	}
}

func printAuth(to io.Writer, s node.AuthStatus, asJSON bool) error {
	if asJSON {
		return writeJSON(to, s)
	}
	moment := func(t *time.Time) string {
		if t == nil {
			return ""
		}
		return stamp(*t)
	}
	through := s.Gateway
	if s.Cloud != "" {
		through += ", site " + s.Cloud
	}
	return facts(to,
		[2]string{"auth", s.Auth}, [2]string{"state", s.State}, [2]string{"", s.Detail},
		[2]string{"site", s.Site}, [2]string{"through", through}, [2]string{"user", s.User},
		[2]string{"client", s.Client}, [2]string{"account", s.Account}, [2]string{"scopes", strings.Join(s.Scopes, " ")},
		[2]string{"expires", s.Expires}, [2]string{"access token until", moment(s.Until)},
		[2]string{"ends if unused until", moment(s.Unused)}, [2]string{"next", s.Next},
	)
}

// authFlags are those of "parley init" about logging in otherwise than by a plain API token.
func authFlags(c *cobra.Command, t *conf.Tenant) {
	f := c.Flags()
	f.StringVar(&t.Auth, "auth", conf.AuthToken, "how the node logs in: token, oauth or client_credentials")
	f.StringVar(&t.Gateway, "gateway", "", "call the site through this gateway, which scoped API tokens need: https://api.atlassian.com")
	f.StringVar(&t.Client, "client-id", "", "the OAuth client's id")
	f.StringVar(&t.Secret.Env, "client-secret-env", "", "the environment variable that holds the OAuth client's secret")
	f.StringVar(&t.Secret.File, "client-secret-file", "", "the file (mode 0600) that holds it")
	f.StringVar(&t.Secret.Command, "client-secret-command", "", "the command that prints it")
	f.StringVar(&t.AuthServer, "auth-server", "", "where OAuth tokens come from, if not https://auth.atlassian.com")
}
