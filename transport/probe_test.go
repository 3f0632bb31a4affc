package transport

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"
)

func TestProbeTellsWhatIsWrong(t *testing.T) {
	probe := func(address string) error {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		return Probe(ctx, address)
	}
	a := newNode(t, "north").listen()
	a.run()
	if err := probe(a.address); err != nil {
		t.Errorf("a node that listens: %v", err)
	}
	a.stop()
	if err := probe(a.address); !errors.Is(err, ErrNothingListens) {
		t.Errorf("a closed port: %v", err)
	}
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	if err := probe(silent.LocalAddr().String()); !errors.Is(err, ErrNoAnswer) {
		t.Errorf("a port that swallows all: %v", err)
	}
	for _, address := range []string{"", "127.0.0.1", "127.0.0.1:70000", "127.0.0.1:x"} {
		if err := probe(address); err == nil || errors.Is(err, ErrNoAnswer) {
			t.Errorf("%q: %v", address, err)
		}
	}
	if err := Probe(t.Context(), a.address); err == nil {
		t.Error("a probe without an end")
	}
}

func TestOnlyOurNegotiationCounts(t *testing.T) {
	to, from := []byte("12345678"), []byte("abcdefgh")
	good := append(append(append([]byte{0x80, 0, 0, 0, 0, 8}, from...), 8), append([]byte("12345678"), 0, 0, 0, 1)...)
	if !isNegotiation(good, to, from) {
		t.Error("a good answer was passed over")
	}
	for i := range 1 + 4 + 1 + 8 + 1 + 8 {
		bad := append([]byte(nil), good...)
		bad[i] ^= 0x80
		if isNegotiation(bad, to, from) || isNegotiation(good[:i], to, from) {
			t.Errorf("byte %d does not matter", i)
		}
	}
}
