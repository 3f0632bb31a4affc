package transport

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func samplePeer() *Peer {
	return &Peer{
		Name: "south", State: Active, Card: []byte("card"), OurCard: []byte("our card"), Nonce: [32]byte{1}, TheirNonce: [32]byte{2}, Words: "badal besik fonar zilim",
		ConfirmedBy: "words", OurProof: []byte("ours"), TheirProof: []byte("theirs"), Addresses: []string{"192.0.2.1:7843", "south.example:1"},
		Floor: Floor{Protocol: 1, Format: 3}, Changed: time.Unix(1764000000, 0),
	}
}

func TestPeerSurvivesStorage(t *testing.T) {
	for _, want := range []*Peer{samplePeer(), {Name: "offer:1", State: Offered, OurCard: []byte("x")}, {Name: "s", State: Spent}} {
		got, err := DecodePeer(want.Encode())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestBadPeersAreRefused(t *testing.T) {
	good := samplePeer().Encode()
	for name, b := range map[string][]byte{
		"nothing": nil, "cut": good[:len(good)-1], "too large": make([]byte, maxPeer+1),
		"of a later version": put(bytes.Clone(good), 200, []byte("x")),
		"tags that fall":     append(bytes.Clone(good), good...),
		"other version":      append([]byte{peerFieldVersion, 0, 0, 1, 9}, good[5:]...),
		"a length that lies": {peerFieldVersion, 0xff, 0xff, 0xff, 1},
	} {
		if p, err := DecodePeer(b); err == nil {
			t.Errorf("%s: got %+v", name, p)
		}
	}
	if _, err := DecodePeer([]byte{1, 0, 0, 9}); !errors.Is(err, errRecord) {
		t.Errorf("got %v", err)
	}
}

func FuzzDecodePeer(f *testing.F) {
	f.Add(samplePeer().Encode())
	f.Add((&Peer{Name: "offer:1", State: Offered}).Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := DecodePeer(b)
		if err != nil {
			return
		}
		if !bytes.Equal(p.Encode(), b) {
			t.Error("what decodes encodes to other bytes")
		}
	})
}
