package rules

import (
	"slices"

	"parley/replica"
)

// Answers are the outgoing items, other than elements of sets, that show a field which the
// rules write from a peer's item; none where no rule takes it.
func (r *Rules) Answers(remote replica.Path) (paths []replica.Path) {
	for _, in := range r.in {
		if in.reads(remote) {
			paths = append(paths, r.OutgoingPaths(in.to.ID)...)
		}
	}
	return paths
}

// Answered reports whether some rule writes what an outgoing item shows, so that a
// change of it is judged together with what the peer says.
func (r *Rules) Answered(outgoing replica.Path) bool {
	return slices.ContainsFunc(r.in, func(in *inRule) bool { return r.Feeds(in.to.ID, outgoing) })
}
