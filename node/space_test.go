package node

import (
	"errors"
	"strings"
	"testing"
)

// TestSpaceStopsAtNinetyAndGoesOnAtEightyFive walks the disk up and down.
func TestSpaceStopsAtNinetyAndGoesOnAtEightyFive(t *testing.T) {
	const total = 100 << 30
	var free uint64
	var broken error
	s := space{look: func(string) (uint64, uint64, error) { return free, total, broken }}
	for _, step := range []struct {
		used          uint64 // percent
		broken        error
		changed, full bool
	}{
		{50, nil, false, false}, {89, nil, false, false}, {90, nil, true, true}, {97, nil, false, true}, {10, errors.ErrUnsupported, false, true},
		{86, nil, false, true}, {84, nil, true, false}, {89, nil, false, false}, {95, nil, true, true}, {20, nil, true, false},
	} {
		free, broken = total/100*(100-step.used), step.broken
		if changed := s.step("/home"); changed != step.changed || (s.full() != "") != step.full {
			t.Errorf("at %d %%: changed %v, says %q", step.used, changed, s.full())
		}
		if s.full() != "" && !strings.Contains(s.full(), "/home") {
			t.Errorf("it does not say where: %q", s.full())
		}
	}
	s.look = func(string) (uint64, uint64, error) { return spaceEnough + 1, 100 * spaceEnough, nil }
	if s.step("/home"); s.full() != "" {
		t.Errorf("a large disk with enough room stopped the work: %q", s.full())
	}
}

// TestStatusTellsOfAFullDisk looks at what the admin sees.
func TestStatusTellsOfAFullDisk(t *testing.T) {
	n := newNode(t)
	n.space.look = func(string) (uint64, uint64, error) { return 1 << 30, 100 << 30, nil }
	n.space.step(n.home)
	s, err := n.status(t.Context(), Nothing{})
	if err != nil || !strings.Contains(strings.Join(s.Warnings, "\n"), "99 % full") {
		t.Errorf("status warns %q: %v", s.Warnings, err)
	}
}
