package replica

import "fmt"

// Fold returns the view that r leads to, and leaves v as it is. ErrBase: r was
// made against another view; ErrAfter: it does not lead where it says. After
// either, ask the sender for the whole view.
func (v View) Fold(r *Replica) (View, error) {
	if r.Whole {
		v = nil
	}
	// Each item is hashed once: those that stay count for both views.
	before := make([]Hash, 0, len(v))
	after := make([]Hash, 0, len(v)+len(r.Set))
	out := make(View, len(v)+len(r.Set))
	for p, it := range v {
		h := it.Hash(p)
		before = append(before, h)
		_, replaced := r.Set[p]
		if _, gone := r.Gone[p]; !replaced && !gone {
			out[p] = it
			after = append(after, h)
		}
	}
	if !r.Whole && hashOf(before) != r.Base {
		return nil, fmt.Errorf("folding replica %d: %w", r.Seq, ErrBase)
	}
	for p, it := range r.Set {
		out[p] = it
		after = append(after, it.Hash(p))
	}
	if len(out) > MaxPaths {
		return nil, fmt.Errorf("folding replica %d: view of %d items: %w", r.Seq, len(out), ErrTooLarge)
	}
	if hashOf(after) != r.After {
		return nil, fmt.Errorf("folding replica %d: %w", r.Seq, ErrAfter)
	}
	return out, nil
}
