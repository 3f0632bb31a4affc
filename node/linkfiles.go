package node

import (
	"cmp"
	"slices"

	"parley/node/ledger"
	"parley/node/rules"
	"parley/replica"
)

// FileLine is one file of the partner's that is on its way to the local ticket. Its name is content, so it is not told.
type FileLine struct {
	Path  string `json:"path"`  // the item that names it
	Bytes int64  `json:"bytes"` // here, on disk; after a lost connection or a kill it goes on from there
	Total int64  `json:"total"`
	State string `json:"state"` // waiting: nothing is here yet; coming; here: it is still to be attached; held: see there
}

// filesComing lists the files that a link waits for, by their items.
func (n *Node) filesComing(s linkState) ([]FileLine, error) {
	lines := []FileLine{}
	held := func(p replica.Path) bool {
		return slices.ContainsFunc(s.held, func(h ledger.Held) bool { return h.Path == p && !h.Out })
	}
	twins, err := n.led.Twins(s.Connection, s.ID)
	if err != nil {
		return nil, err
	}
	err = n.led.Arrivals(s.Connection, func(id ledger.BlobID, a ledger.Arriving) bool {
		if !slices.Contains(a.Links, s.ID) {
			return true
		}
		for p, it := range s.in.Remote {
			file, ok := rules.AttachmentOf(it)
			_, attached := twins[p]
			if !ok || attached || file.Hash != id.Hash || file.Size != id.Size {
				continue
			}
			line := FileLine{Path: string(p), Bytes: a.Have, Total: id.Size, State: "coming"}
			switch {
			case a.Whole:
				line.State = "here"
			case held(p):
				line.State = "held"
			case a.Have == 0:
				line.State = "waiting"
			}
			lines = append(lines, line)
		}
		return true
	})
	slices.SortFunc(lines, func(a, b FileLine) int {
		return cmp.Or(cmp.Compare(len(a.Path), len(b.Path)), cmp.Compare(a.Path, b.Path)) // ids are numbers
	})
	return lines, err
}

// arriving counts the partner's files that are on their way on a connection.
func (n *Node) arriving(c *Connection) error {
	return n.led.Arrivals(c.Name, func(id ledger.BlobID, a ledger.Arriving) bool {
		c.Files++
		c.FileBytes += a.Have
		c.FileTotal += id.Size
		return true
	})
}
