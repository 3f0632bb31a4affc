package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"parley/node"
)

func newVersion(w *words) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "print which parley this is",
		Long:    `Prints the version. JSON: {"version":"…","go":"…","platform":"…"}`,
		Example: "  parley version --json",
		Args:    takes(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			platform := runtime.GOOS + "/" + runtime.GOARCH
			if w.json {
				return writeJSON(c.OutOrStdout(), map[string]string{"version": node.Version(), "go": runtime.Version(), "platform": platform})
			}
			_, err := fmt.Fprintf(c.OutOrStdout(), "parley %s (%s, %s)\n", node.Version(), runtime.Version(), platform)
			return err
		},
	}
}
