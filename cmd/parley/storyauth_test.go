package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// consentsCommand runs "parley auth login --paste" and plays the person with the browser: it opens
// the address that the program prints, chooses the sync account, accepts or denies, and gives the
// program the address that the browser ends at.
func consentsCommand(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 2, "consents accept|deny PROGRAM ARG…")
	path, err := exec.LookPath(args[1])
	ts.Check(err)
	c := exec.Command(path, args[2:]...)
	c.Dir, c.Env = ts.MkAbs("."), storyEnv(ts)
	var out bytes.Buffer
	c.Stdout = &out
	in, err := c.StdinPipe()
	ts.Check(err)
	said, err := c.StderrPipe()
	ts.Check(err)
	ts.Check(c.Start())
	words := bufio.NewReader(said)
	var address string
	for err == nil && !strings.HasPrefix(address, "http") {
		address, err = words.ReadString('\n')
	}
	var end string
	if err == nil {
		end, err = browse(strings.TrimSpace(address), args[0])
	}
	if err == nil {
		_, err = io.WriteString(in, end+"\n")
	}
	in.Close()
	rest, readErr := io.ReadAll(words)
	waitErr := c.Wait()
	ts.Check(errors.Join(err, readErr))
	fmt.Fprint(ts.Stdout(), out.String())
	fmt.Fprint(ts.Stderr(), string(rest))
	if (waitErr == nil) != (args[0] == "accept") {
		ts.Fatalf("after %s: %v\n%s", args[0], waitErr, rest)
	}
}

var csrfField = regexp.MustCompile(`name="csrf" value="([^"]+)"`)
var syncOption = regexp.MustCompile(`<option value="([^"]+)" selected>[^<]*sync`)

// browse opens a consent page, answers it, and gives the address that the browser is sent to.
func browse(address, decision string) (string, error) {
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	page, err := browser.Get(address)
	if err != nil {
		return "", err
	}
	defer page.Body.Close()
	html, err := io.ReadAll(page.Body)
	if err != nil {
		return "", err
	}
	csrf, account := csrfField.FindSubmatch(html), syncOption.FindSubmatch(html)
	if csrf == nil || account == nil {
		return "", fmt.Errorf("no consent page at %s: %s", address, html)
	}
	sent, err := browser.PostForm(address, url.Values{"csrf": {string(csrf[1])}, "account": {string(account[1])}, "decision": {decision}})
	if err != nil {
		return "", err
	}
	sent.Body.Close()
	end := sent.Header.Get("Location")
	if end == "" {
		return "", errors.New("the consent page sent the browser nowhere: " + sent.Status)
	}
	return end, nil
}
