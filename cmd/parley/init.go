package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"parley/conf"
	"parley/node"
	"parley/transport"
)

func newInit(w *words) *cobra.Command {
	var o node.InitOptions
	c := &cobra.Command{
		Use:   "init",
		Short: "make a node's home",
		Long: `Makes a home: parley.toml, the node's key and certificate, policy.toml and
connections/. It never overwrites. The token is not stored: name where it is.

JSON: {"home":"…","name":"…","node":"…","fingerprint":"…"}`,
		Example: `  parley init --home acme --name acme --tenant https://acme.atlassian.net \
      --user bot@acme.example --token-env ACME_TOKEN --listen :7843`,
		Args: takes(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			dir, err := w.dir()
			if err != nil {
				return err
			}
			if err := checkInit(c, o); err != nil {
				return err
			}
			if err := node.Init(dir, o); err != nil {
				return err
			}
			id, err := transport.LoadIdentity(dir)
			if err != nil {
				return fmt.Errorf("reading the new identity: %w", err)
			}
			if w.json {
				return writeJSON(c.OutOrStdout(), map[string]string{"home": dir, "name": o.Name, "node": string(id.NodeID()), "fingerprint": id.Fingerprint()})
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s is the home of node %s\n  %s\nnext: parley doctor --home %s\n", dir, o.Name, id.NodeID(), dir)
			return err
		},
	}
	f := c.Flags()
	f.StringVar(&o.Name, "name", "", "the node's name, as partners see it")
	f.StringVar(&o.Tenant.URL, "tenant", "", "the JSM site's address")
	f.StringVar(&o.Tenant.Flavor, "flavor", "cloud", "cloud or datacenter")
	f.StringVar(&o.Tenant.User, "user", "", "e-mail of the node's account on the site")
	f.StringVar(&o.Tenant.TokenEnv, "token-env", "", "the environment variable that holds its API token")
	f.StringVar(&o.Tenant.TokenFile, "token-file", "", "the file (mode 0600) that holds it")
	f.StringVar(&o.Tenant.TokenCommand, "token-command", "", "the command that prints it")
	authFlags(c, &o.Tenant)
	f.StringVar(&o.Listen, "listen", "", "UDP address for partners (default "+conf.DefaultNode().Listen+")")
	f.BoolVar(&o.DialOnly, "dial-only", false, "never listen: dial out to every partner")
	f.StringVar(&o.Console, "console", "", "address of the status page (default "+conf.DefaultNode().Console+")")
	f.StringSliceVar(&o.Addresses, "address", nil, "what partners dial, where it differs from --listen; may be given several times")
	return c
}

// checkInit finds what was left out or contradicts itself.
func checkInit(c *cobra.Command, o node.InitOptions) error {
	sources := 0
	for _, s := range []string{o.Tenant.TokenEnv, o.Tenant.TokenFile, o.Tenant.TokenCommand} {
		if s != "" {
			sources++
		}
	}
	switch {
	case o.Name == "":
		return misused(c, errors.New("init needs --name"))
	case o.Tenant.URL == "":
		return misused(c, errors.New("init needs --tenant"))
	case sources > 1:
		return usage(errors.New("--token-env, --token-file and --token-command exclude each other"), "keep one")
	case o.DialOnly && o.Listen != "":
		return usage(errors.New("--listen and --dial-only exclude each other"), "keep one")
	}
	return nil
}
