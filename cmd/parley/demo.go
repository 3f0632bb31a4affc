package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"parley/node"
)

func newDemo(w *words) *cobra.Command {
	d := &demo{}
	var once bool
	var number int
	c := &cobra.Command{
		Use:   "demo",
		Short: "play five cases with simulated tenants and real nodes",
		Long: `Plays five cases in which desks work together: vendor, first and second line,
managed service provider, contractor, subsidiaries. The tenants are simulated;
the nodes are real: they pair, publish rules, and talk QUIC on this machine, each
with its ledger in a temporary home. People act in the tenants by Jira's own API,
and every check looks there too. Then two desks, north and south, stay up to
play with until Ctrl-C.

Exit status 0 if every check held.

JSON: {"ok":true,"cases":[{"id":1,"name":"…","ok":true,"checks":[{"what":"…","ok":true,"detail":"…"}]}],
 "latency_ms":{"p50":n,"p99":n},"jira_calls_per_change":n,
 "jira_polls":n,"changes":n,"replicas":n,"seconds":n}
latency_ms is from a person's edit until it is seen on the other side;
jira_calls_per_change counts all calls of the nodes' own accounts but their
polls, which depend on the time that passes and not on what happens.`,
		Example: `  parley demo
  parley demo --once --case 3`,
		Args: takes(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			play := cases
			switch {
			case number < 0 || number > len(cases):
				return usage(fmt.Errorf("there is no case %d", number), fmt.Sprintf("the cases are 1 to %d; without --case all are played", len(cases)))
			case d.base < 0 || d.base > lastBase:
				return usage(fmt.Errorf("--listen-base %d is no port to begin with", d.base), fmt.Sprintf("choose one from 1024 to %d", lastBase))
			}
			if number > 0 {
				play = cases[number-1 : number]
			}
			d.say = newSpeech(c.OutOrStdout(), w.json)
			return d.run(c.Context(), play, once)
		},
	}
	f := c.Flags()
	f.BoolVar(&once, "once", false, "end after the cases")
	f.IntVar(&number, "case", 0, "play this case only, 1 to 5")
	f.IntVar(&d.base, "listen-base", 0, "the first of the ports to listen on (default: any that are free)")
	return c
}

const lastBase = 65000 // the ports of one run fit behind it

// demo is one run of the demonstration.
type demo struct {
	ctx  context.Context // of the whole run: ends when a person ends it
	base int             // first port; 0: any
	used int             // ports given out since base
	dir  string
	say  *speech
	took figures
}

// errInterrupted is a demo that did not come to its end.
var errInterrupted = &node.Advice{Err: errors.New("interrupted before the cases ended"), Hint: `"parley demo --case 1" plays one of them`}

// run plays the cases, one after another in worlds of their own, and leaves
// north and south up unless once.
func (d *demo) run(ctx context.Context, play []demoCase, once bool) (err error) {
	if d.dir, err = os.MkdirTemp("", "parley-demo-"); err != nil {
		return fmt.Errorf("making a folder for the nodes' homes: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(d.dir)) }()
	var left *world // north and south of the first case
	defer func() {
		if left != nil {
			err = errors.Join(err, left.close())
		}
	}()
	d.ctx = ctx
	d.say.begin(len(play))
	var results []caseResult
	for _, c := range play {
		w, result := d.play(ctx, c)
		results = append(results, result)
		if c.id == 1 && !once && result.OK {
			left = w
		} else if err := w.close(); err != nil && result.OK {
			return fmt.Errorf("ending case %d: %w", c.id, err)
		}
		if ctx.Err() != nil {
			return errInterrupted
		}
	}
	if err := d.say.end(results, d.took); err != nil {
		return err
	}
	if !once {
		if err := d.stay(ctx, &left); err != nil {
			return err
		}
	}
	return verdict(results)
}

// verdict is the exit status: every check must have held.
func verdict(results []caseResult) error {
	wrong := 0
	for _, r := range results {
		for _, c := range r.Checks {
			if !c.OK {
				wrong++
			}
		}
	}
	if wrong == 0 {
		return nil
	}
	return &node.Advice{Err: fmt.Errorf("%d checks did not hold", wrong), Hint: "the lines with ✗ say what was seen instead; on a very busy machine try again with --case"}
}

// play opens a case's world and plays the case in it. What goes wrong is a
// check that does not hold, so that the other cases are played all the same.
func (d *demo) play(ctx context.Context, c demoCase) (*world, caseResult) {
	d.say.title(c)
	began := time.Now()
	w, err := d.open(ctx, c)
	s := newDrama(w, c, began, err)
	s.also(fmt.Sprintf("%d nodes are up, paired by fingerprint and connected", len(c.companies)), func() (string, bool) {
		return strings.Join(w.names, ", "), true
	})
	if s.err == nil {
		c.play(s)
		s.quiet()
	}
	return w, s.result()
}

// stay keeps north and south up until ctx ends.
func (d *demo) stay(ctx context.Context, left **world) error {
	if *left == nil {
		w, err := d.open(ctx, cases[0])
		*left = w
		if err != nil {
			return err
		}
	}
	d.say.play(*left)
	return (*left).wait()
}
