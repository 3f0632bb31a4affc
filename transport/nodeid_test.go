package transport

import (
	"errors"
	"strings"
	"testing"
)

func TestNodeIDReadsAsItIsTyped(t *testing.T) {
	p := pin{1, 2, 3, 0xff}
	id := p.NodeID()
	for _, typed := range []string{string(id), strings.ToLower(string(id)), strings.ReplaceAll(string(id), "-", ""), strings.ReplaceAll(string(id), "-", " "),
		strings.NewReplacer("O", "0", "I", "1", "B", "8").Replace(string(id))} {
		if got, err := ParseNodeID(typed); got != id || err != nil {
			t.Errorf("%q: got %q, %v", typed, got, err)
		}
		if got, err := parseFingerprint(typed); got != p || err != nil {
			t.Errorf("%q as a fingerprint: %v", typed, err)
		}
	}
	for _, typed := range []string{p.Fingerprint(), strings.ToUpper(p.Fingerprint()), "sha256:" + strings.ReplaceAll(p.Fingerprint(), ":", "")} {
		if got, err := parseFingerprint(typed); got != p || err != nil {
			t.Errorf("%q: %v", typed, err)
		}
	}
}

func TestNodeIDCatchesTypingErrors(t *testing.T) {
	id := string(pin{9, 8, 7}.NodeID())
	for i := range id {
		if id[i] == '-' {
			continue
		}
		for _, c := range alphabet {
			wrong := id[:i] + string(c) + id[i+1:]
			if _, err := ParseNodeID(wrong); wrong != id && !errors.Is(err, ErrNodeID) {
				t.Errorf("%q was taken: %v", wrong, err)
			}
		}
	}
	for _, wrong := range []string{"", id[1:], id + "A", strings.Repeat("A", 1000), "é" + id[1:]} {
		if _, err := ParseNodeID(wrong); !errors.Is(err, ErrNodeID) {
			t.Errorf("%q was taken: %v", wrong, err)
		}
	}
}

func FuzzParseNodeID(f *testing.F) {
	f.Add(string(pin{}.NodeID()))
	f.Add(pin{1}.Fingerprint())
	f.Fuzz(func(t *testing.T, s string) {
		id, err := ParseNodeID(s)
		if err != nil {
			return
		}
		if again, err := ParseNodeID(string(id)); again != id || err != nil {
			t.Errorf("%q reads as %q, which reads as %q, %v", s, id, again, err)
		}
	})
}
