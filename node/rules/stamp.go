package rules

import "parley/jsm"

// stamps gives the time of each field's newest change, Unix ms. Where our account
// wrote over a value and put it back, nobody has said anything by it: the value is
// as old as it was before.
func stamps(t *jsm.Ticket, account string) map[string]int64 {
	at := map[string]int64{}
	undone := map[string]bool{}   // of which fields the older half of such a pair comes next
	for i, c := range t.History { // newest first
		for _, it := range c.Items {
			id := jsm.FieldOf(it)
			switch {
			case at[id] != 0:
			case undone[id]:
				undone[id] = false
			case account != "" && c.Author.AccountID == account && putBack(t.History[i+1:], id, it, account):
				undone[id] = true
			default:
				at[id] = c.At.UnixMilli()
			}
		}
	}
	return at
}

// putBack reports whether a change of a field only took back the one before, which
// was by the same account, and whether a still older one tells when its value was set.
func putBack(older []jsm.Change, id string, undo jsm.ChangeItem, account string) bool {
	depth := 0
	for _, c := range older {
		for _, it := range c.Items {
			if jsm.FieldOf(it) != id {
				continue
			}
			if depth++; depth == 2 {
				return it.To == undo.To && it.ToString == undo.ToString
			}
			if c.Author.AccountID != account || it.From != undo.To || it.FromString != undo.ToString {
				return false
			}
		}
	}
	return false
}
