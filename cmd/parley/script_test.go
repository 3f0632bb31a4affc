package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"parley/transport"
)

// The stories in testdata/script drive the real program, each in a folder of
// its own. What they can say beyond testscript's own commands is in
// storycmd_test.go.

// atOnce is how many of the tests that may run beside others do so: they wait most of their time, for polls and for
// what they have been promised. -parallel asks for another number.
const atOnce = "6"

func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", atOnce); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){"parley": main})
}

// storyDeadline bounds all stories together, which take seconds each, and more under the race detector.
const storyDeadline = 5 * time.Minute

func TestStories(t *testing.T) {
	expired := expiredCard(t)
	testscript.Run(t, testscript.Params{
		Dir:                filepath.Join("..", "..", "testdata", "script"),
		Cmds:               storyCommands,
		RequireUniqueNames: true,
		Deadline:           time.Now().Add(storyDeadline),
		Setup: func(e *testscript.Env) error {
			e.Values[stageKey{}] = newStage()
			return os.WriteFile(filepath.Join(e.WorkDir, "expired.card"), expired, 0o644)
		},
	})
}

// expiredCard makes a card at the beginning of a bubble's clock, the year 2000:
// it is well signed and long out of date.
func expiredCard(t *testing.T) (card []byte) {
	synctest.Test(t, func(t *testing.T) {
		id, err := transport.NewIdentity("old")
		if err != nil {
			t.Fatal(err)
		}
		card, err = transport.NewPairing(id, &transport.MemoryStore{}).Offer([]string{"127.0.0.1:1"}, false)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := transport.ParseCard(card); err != nil || time.Until(c.Expires) <= 0 {
			t.Fatalf("the card is not good in its own time: %v", err)
		}
	})
	return card
}

// The words that a story's output is cleaned of must not carry a terminal's
// control sequences through.
func TestCleanTakesControlsOut(t *testing.T) {
	var b bytes.Buffer
	rows := [][]string{{"SUP-1\x1b[2J", "a\u202eb", "c\td\ne"}}
	if err := table(&b, "none", []string{"A", "B", "C"}, rows); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"\x1b", "\u202e", "\t"} {
		if bytes.Contains(b.Bytes(), []byte(bad)) {
			t.Errorf("%q came through in %q", bad, b.String())
		}
	}
	if lines := bytes.Count(b.Bytes(), []byte("\n")); lines != 2 {
		t.Errorf("%d lines where a head and one row are due: %q", lines, b.String())
	}
}
