package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"parley/node"
)

const (
	maxCard  = 64 << 10 // bytes of a file that may hold a card
	pairJSON = `{"peer":"…","node":"…","state":"offered|met|active|revoked","words":"…","fingerprint":"…",
 "confirmed":"words|fingerprint|yes|","addresses":["…"],"link":"up|meeting|down|unknown","trouble":"…","changed":"…"}`
)

func newPair(w *words) *cobra.Command {
	return group(&cobra.Command{
		Use:   "pair",
		Short: "agree with a partner on each other's keys",
		Long: `Both sides make a card for the other, send it, and accept the one they got.
Then both confirm: by the four words that both screens show once the nodes have
met, or by the partner's full fingerprint known from elsewhere. The link is
active when both sides have confirmed.`,
		Example: `  parley pair offer --out for-globex.card
  parley pair accept from-globex.card --as globex
  parley pair confirm globex --words "bodal fekus ginet zotim"`,
	}, pairOffer(w), pairAccept(w), pairConfirm(w), pairList(w), pairRevoke(w), pairPending(w))
}

func pairOffer(w *words) *cobra.Command {
	var out string
	var q node.OfferQuestion
	c := &cobra.Command{
		Use:   "offer --out FILE",
		Short: "make this node's card for one partner",
		Long: `Writes a card: certificate, name and addresses, signed; nothing secret. Give each
partner a card of its own. It is to be accepted within 7 days.

JSON: {"card":"…","node":"…","name":"…","fingerprint":"…","addresses":["…"],"dials_only":false,"expires":"…"}`,
		Example: "  parley pair offer --out for-globex.card",
		Args:    takes(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			dir, err := w.dir()
			if err != nil {
				return err
			}
			if out == "" {
				return misused(c, errors.New("pair offer needs --out"))
			}
			o, err := node.PairOffer.Ask(c.Context(), dir, q)
			if err != nil {
				return err
			}
			if out == "-" {
				_, err := io.WriteString(c.OutOrStdout(), o.Card)
				return err
			}
			if err := writeCard(out, o.Card); err != nil {
				return err
			}
			if w.json {
				return writeJSON(c.OutOrStdout(), o)
			}
			fmt.Fprintf(c.OutOrStdout(), "%s is a card for one partner, good until %s\nour fingerprint: %s\n", out, stamp(o.Expires), o.Fingerprint)
			if len(o.Addresses) == 0 && !o.DialsOnly {
				fmt.Fprintln(c.ErrOrStderr(), "warning: the card names no address, so the partner cannot dial this node; set addresses in parley.toml, or give --address")
			}
			return nil
		},
	}
	c.Flags().StringVar(&out, "out", "", `the file to write ("-": standard output)`)
	c.Flags().StringSliceVar(&q.Addresses, "address", nil, "host:port that the partner dials, instead of those of parley.toml; may be given several times")
	return c
}

// writeCard writes a card; a file with content is not overwritten.
func writeCard(path, card string) error {
	if info, err := os.Stat(path); err == nil && info.Size() > 0 {
		return &node.Advice{Err: fmt.Errorf("%s is there already", path), Hint: "each card is for one partner: choose another file, or remove this one"}
	}
	if err := os.WriteFile(path, []byte(card), 0o644); err != nil {
		return fmt.Errorf("writing the card: %w", err)
	}
	return nil
}

func pairAccept(w *words) *cobra.Command {
	var q node.AcceptQuestion
	c := &cobra.Command{
		Use:   "accept FILE --as PEER",
		Short: "accept a partner's card",
		Long: `Pins the key in a partner's card under a name of your own choice, and prints both
fingerprints. Nothing is shared until both sides confirm.

JSON: {…as in "pair list"…,"name":"…","our_fingerprint":"…"}`,
		Example: "  parley pair accept from-globex.card --as globex",
		Args:    takes(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := w.dir()
			if err != nil {
				return err
			}
			if q.As == "" {
				return misused(c, errors.New("pair accept needs --as"))
			}
			card, err := readBounded(args[0], maxCard)
			if err != nil {
				return fmt.Errorf("reading the card: %w", err)
			}
			q.Card = string(card)
			p, err := node.PairAccept.Ask(c.Context(), dir, q)
			if err != nil {
				return err
			}
			return printPair(c.OutOrStdout(), p, w.json, fmt.Sprintf("next: parley pair confirm %s", p.Peer.Peer))
		},
	}
	c.Flags().StringVar(&q.As, "as", "", "your name for the partner")
	return c
}

func pairConfirm(w *words) *cobra.Command {
	var q node.ConfirmQuestion
	c := &cobra.Command{
		Use:   "confirm PEER (--words \"…\" | --fingerprint F | --yes)",
		Short: "confirm that a partner is who it seems",
		Long: `Confirms a pairing: by the four check words that the partner reads aloud once the
nodes have met, by the partner's full fingerprint known from elsewhere (also
before they meet), or with --yes, where nothing was compared.

JSON: {…as in "pair list"…,"name":"…","our_fingerprint":"…"}`,
		Example: `  parley pair confirm globex --words "bodal fekus ginet zotim"
  parley pair confirm globex --fingerprint 0f3a…`,
		Args: takes(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := w.dir()
			if err != nil {
				return err
			}
			ways := 0
			for _, given := range []bool{q.Words != "", q.Fingerprint != "", q.Yes} {
				if given {
					ways++
				}
			}
			if ways != 1 {
				return misused(c, errors.New("pair confirm needs one of --words, --fingerprint and --yes"))
			}
			q.Peer = args[0]
			p, err := node.PairConfirm.Ask(c.Context(), dir, q)
			if err != nil {
				return err
			}
			if q.Yes {
				fmt.Fprintln(c.ErrOrStderr(), "warning: nothing was compared; somebody between the two nodes would not be noticed")
			}
			next := "it is active when the partner has confirmed too"
			if p.State == "active" {
				next = "it is active"
			}
			return printPair(c.OutOrStdout(), p, w.json, next)
		},
	}
	c.Flags().StringVar(&q.Words, "words", "", "the four words that the partner reads aloud")
	c.Flags().StringVar(&q.Fingerprint, "fingerprint", "", "the partner's full fingerprint or node id, known from elsewhere")
	c.Flags().BoolVar(&q.Yes, "yes", false, "confirm although nothing was compared")
	return c
}

func printPair(to io.Writer, p node.Pair, asJSON bool, next string) error {
	if asJSON {
		return writeJSON(to, p)
	}
	err := facts(to,
		[2]string{"peer", p.Peer.Peer}, [2]string{"calls itself", p.Name}, [2]string{"state", p.State},
		[2]string{"their fingerprint", p.Fingerprint}, [2]string{"our fingerprint", p.Ours}, [2]string{"check words", p.Words},
	)
	if err == nil && next != "" {
		_, err = fmt.Fprintln(to, clean(next))
	}
	return err
}

func pairList(w *words) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "list partners and offered cards",
		Long:    "Lists pairings, and offered cards that no node has shown yet (named offer:N).\n\nJSON: [" + pairJSON + "]",
		Example: "  parley pair list --json",
		Args:    takes(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			dir, err := w.dir()
			if err != nil {
				return err
			}
			all, err := node.PairList.Ask(c.Context(), dir, node.Nothing{})
			if err != nil {
				return err
			}
			if w.json {
				return writeJSON(c.OutOrStdout(), all)
			}
			var rows [][]string
			for _, p := range all {
				rows = append(rows, []string{p.Peer, p.State, p.Confirmed, p.Link, p.Words, p.Fingerprint})
			}
			if err := table(c.OutOrStdout(), "no partner is paired yet", []string{"PEER", "STATE", "CONFIRMED BY", "LINK", "CHECK WORDS", "FINGERPRINT"}, rows); err != nil {
				return err
			}
			for _, p := range all {
				if p.Trouble != "" {
					fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", clean(p.Peer), clean(p.Trouble))
				}
			}
			return nil
		},
	}
}

func pairRevoke(w *words) *cobra.Command {
	return &cobra.Command{
		Use:   "revoke PEER",
		Short: "end a pairing at once",
		Long: `Drops a partner's pin: its sessions close and it can connect no more. What was
exchanged stays in the ledger. Pairing again begins with new cards.

JSON: {…as in "pair list"…,"name":"…","our_fingerprint":"…"}`,
		Example: "  parley pair revoke globex",
		Args:    takes(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := w.dir()
			if err != nil {
				return err
			}
			p, err := node.PairRevoke.Ask(c.Context(), dir, node.PeerQuestion{Peer: args[0]})
			if err != nil {
				return err
			}
			return printPair(c.OutOrStdout(), p, w.json, "")
		},
	}
}

func pairPending(w *words) *cobra.Command {
	return &cobra.Command{
		Use:   "pending",
		Short: "list who knocked without being paired",
		Long: `Lists keys that tried to connect and are not paired, since the node started.

Where strangers dial faster than a node listens to them, it hears a few a second and
refuses the rest unheard; it then tells how many. Partners, and whoever holds a card
that you offered, are heard at once.

JSON: {"knocked":[{"node":"…","fingerprint":"…","address":"…","count":n,"first":"…","last":"…"}],
"unheard":{"count":n,"address":"…","first":"…","last":"…"}}`,
		Example: "  parley pair pending",
		Args:    takes(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			dir, err := w.dir()
			if err != nil {
				return err
			}
			all, err := node.PairPending.Ask(c.Context(), dir, node.Nothing{})
			if err != nil {
				return err
			}
			if w.json {
				return writeJSON(c.OutOrStdout(), all)
			}
			var rows [][]string
			for _, k := range all.Knocked {
				rows = append(rows, []string{k.Fingerprint, k.Address, strconv.Itoa(k.Count), stamp(k.Last)})
			}
			if err := table(c.OutOrStdout(), "nobody has knocked", []string{"FINGERPRINT", "ADDRESS", "TIMES", "LAST"}, rows); err != nil || all.Unheard == nil {
				return err
			}
			u := all.Unheard
			_, err = fmt.Fprintf(c.OutOrStdout(), "and %d dials refused unheard, too many at a time: from %s to %s, the last from %s\n", u.Count, stamp(u.First), stamp(u.Last), u.Address)
			return err
		},
	}
}
