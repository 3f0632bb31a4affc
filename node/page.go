package node

import (
	"cmp"
	"context"
	"slices"

	"parley/node/console"
	"parley/node/ledger"
)

// page gathers what the web page shows.
func (n *Node) page(ctx context.Context) (p console.Page, err error) {
	if p.Status, err = n.status(ctx, Nothing{}); err != nil {
		return p, err
	}
	if p.Held, err = n.heldList(ctx, HeldQuestion{}); err != nil {
		return p, err
	}
	return p, n.newestLinks(&p)
}

// newestLinks works out the state of the links that the page has room for, and
// only counts the others: the page is made again every few seconds.
func (n *Node) newestLinks(p *console.Page) error {
	var all []ledger.Link
	err := n.led.Links("", func(k ledger.Link) bool {
		all = append(all, k)
		return true
	})
	if err != nil {
		return err
	}
	p.Total = len(all)
	slices.SortStableFunc(all, func(a, b ledger.Link) int { return cmp.Compare(b.Born, a.Born) })
	dirty, err := n.dirty()
	if err != nil {
		return err
	}
	for _, k := range all[:min(len(all), console.ShownLinks)] {
		line, err := n.linkLine(k, dirty)
		if err != nil {
			return err
		}
		p.Links = append(p.Links, line)
	}
	return nil
}
