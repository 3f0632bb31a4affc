package console

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// ErrNobody is returned where no node answers on the socket.
var ErrNobody = errors.New("no node answers on the socket")

// Client speaks the local API of a running node.
type Client struct{ http *http.Client }

// Dial reaches the node behind a socket; ErrNobody where there is none, be it
// that the file is missing or that its node has died.
func Dial(ctx context.Context, path string) (*Client, error) {
	open := func(ctx context.Context, _, _ string) (net.Conn, error) {
		short, done, err := shortPath(path)
		if err != nil {
			return nil, err
		}
		defer done()
		d := net.Dialer{Timeout: 5 * time.Second}
		return d.DialContext(ctx, "unix", short)
	}
	probe, err := open(ctx, "", "")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNobody, err)
	}
	probe.Close()
	return &Client{&http.Client{Transport: &http.Transport{DialContext: open, DisableKeepAlives: true}}}, nil
}

// Ask puts a question and reads the answer into into. What the node refuses is
// a *Problem.
func (c *Client) Ask(ctx context.Context, name string, question, into any) error {
	q, err := json.Marshal(question)
	if err != nil {
		return fmt.Errorf("writing the question %s: %w", name, err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://parley"+apiPath+name, bytes.NewReader(q))
	if err != nil {
		return err
	}
	a, err := c.http.Do(r)
	if err != nil {
		return fmt.Errorf("asking the running node (%s): %w", name, err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(io.LimitReader(a.Body, maxAnswer+1))
	if err != nil {
		return fmt.Errorf("reading the running node's answer (%s): %w", name, err)
	}
	if len(b) > maxAnswer {
		return fmt.Errorf("the running node's answer (%s) has more than %d bytes", name, maxAnswer)
	}
	if a.StatusCode != http.StatusOK {
		p := &Problem{}
		if err := json.Unmarshal(b, p); err != nil || p.Message == "" {
			return fmt.Errorf("the running node answered %s (%s)", a.Status, name)
		}
		return p
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("reading the running node's answer (%s): %w", name, err)
	}
	return nil
}
