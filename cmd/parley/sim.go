package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"parley/jsm/sim"
)

const maxSeed = 16 << 20 // bytes of a seed file

// simReady is what "parley sim" prints when it is ready.
type simReady struct {
	URL      string        `json:"url"`
	Flavor   string        `json:"flavor"`
	Accounts []sim.Account `json:"accounts"`
	Project  string        `json:"project"`
	OAuth    []sim.App     `json:"oauth"` // clients: one that asks people, one of a service account
}

func newSim(*words) *cobra.Command {
	var listen, seed string
	cfg := sim.Config{}
	c := &cobra.Command{
		Use:   "sim",
		Short: "serve one simulated Jira Service Management tenant",
		Long: `Serves a strict simulated tenant until Ctrl-C: any real Jira client can be
pointed at it (basic auth, e-mail and token). Its pages are / for agents and
/portal for customers. When ready it prints one JSON line on standard output:
{"url":"http://127.0.0.1:7101","flavor":"cloud","accounts":[{"email":"…","token":"…","role":"agent"},…],"project":"SUPPORT",
 "oauth":[{"name":"parley","clientId":"…","clientSecret":"…","redirects":["…"],"scopes":["…"]},…]}
The same address is its authorization server and API gateway (see package sim).
The content of attachments lies on another host, as Jira's does: at 127.0.0.1 it is
localhost with the same port, and the other way round; --media names another one.
POST /sim/faults, /sim/clock, /sim/index, /sim/limits and /sim/accounts let calls go
wrong, move the clock, let searches lag, set limits and deactivate accounts, with
JSON bodies that package sim describes; GET /sim/journal tells what was written.
A fault strikes attachments' content where its path says so, as in
{"kind":"cut","path":"/file/**"}.`,
		Example: "  parley sim --listen 127.0.0.1:7101 --name north",
		Args:    takes(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			if listen == "" {
				return misused(c, errors.New("sim needs --listen"))
			}
			if seed != "" {
				var err error
				if cfg.Seed, err = readBounded(seed, maxSeed); err != nil {
					return fmt.Errorf("reading the seed: %w", err)
				}
			}
			return serveSim(c.Context(), c.OutOrStdout(), listen, cfg)
		},
	}
	f := c.Flags()
	f.StringVar(&listen, "listen", "", "TCP address, such as 127.0.0.1:7101")
	f.StringVar(&cfg.Flavor, "flavor", "cloud", "cloud or datacenter")
	f.StringVar(&cfg.Name, "name", "north", "north or south")
	f.StringVar(&cfg.MediaURL, "media", "", "base URL of the host of attachments' content")
	f.Int64Var(&cfg.Upload, "upload-limit", 0, "bytes that one attachment may have; 0: 1 GiB")
	f.StringVar(&seed, "seed", "", "a seed file of your own instead of the built-in one")
	return c
}

// serveSim serves a tenant until ctx ends.
func serveSim(ctx context.Context, out io.Writer, listen string, cfg sim.Config) error {
	t, err := sim.New(cfg)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("serving the tenant: %w", err)
	}
	t.SetURL("http://" + l.Addr().String())
	server := &http.Server{Handler: t, ReadHeaderTimeout: 10 * time.Second}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return t.Run(ctx) })
	g.Go(func() error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		return server.Close()
	})
	ready := simReady{URL: t.URL(), Flavor: cfg.Flavor, Accounts: t.Accounts(), Project: t.Project(), OAuth: t.Apps()}
	if err := writeJSON(out, ready); err != nil {
		return err
	}
	if err := g.Wait(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// readBounded reads a file, or standard input for "-".
func readBounded(path string, most int64) ([]byte, error) {
	from := io.Reader(os.Stdin)
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		from = f
	}
	b, err := io.ReadAll(io.LimitReader(from, most+1))
	if err == nil && int64(len(b)) > most {
		err = fmt.Errorf("%s has more than %d bytes", path, most)
	}
	return b, err
}
