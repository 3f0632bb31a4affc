package transport

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func testCard(t testing.TB, name string, addresses ...string) (*Identity, *Card) {
	t.Helper()
	id, err := NewIdentity(name)
	if err != nil {
		t.Fatal(err)
	}
	card, _, err := newCard(id, addresses, len(addresses) == 0, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return id, card
}

func TestCardSurvivesMail(t *testing.T) {
	id, made := testCard(t, "Nørth Ltd", "north.example:7843", "[2001:db8::1]:7843")
	text := string(made.Text())
	for name, mail := range map[string]string{
		"as it is":   text,
		"in a mail":  "Hello,\n\nhere is our card.\n\n" + text + "\nRegards",
		"quoted":     "> " + strings.ReplaceAll(text, "\n", "\r\n> "),
		"one line":   strings.ReplaceAll(text, "\n", " "),
		"indented":   strings.ReplaceAll(text, "\n", "\n\t  "),
		"wrapped 20": armourBegin + wrap(base64.StdEncoding.EncodeToString(made.raw), 20) + armourEnd,
	} {
		c, err := ParseCard([]byte(mail))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if c.NodeID != id.NodeID() || c.Fingerprint() != id.Fingerprint() || c.Name != "Nørth Ltd" || len(c.Addresses) != 2 || c.DialsOnly || c.Schema != 1 ||
			!c.LedgerKey.Equal(id.LedgerKey().Public()) || c.Expires.Sub(c.Issued) != cardLife || c.Commitment != made.Commitment {
			t.Errorf("%s: got %+v", name, c)
		}
	}
}

func wrap(s string, n int) string {
	var b strings.Builder
	for i := 0; i < len(s); i += n {
		b.WriteString("\r\n" + s[i:min(i+n, len(s))])
	}
	return b.String() + "\r\n"
}

func TestBadCardsAreRefused(t *testing.T) {
	id, good := testCard(t, "north", "192.0.2.1:7843")
	_, other := testCard(t, "other", "192.0.2.2:7843")
	remake := func(change func(tag byte, v []byte) [][]byte) []byte { // signed anew, as its own node could
		var b []byte
		walk(good.raw, func(tag byte, v []byte) error {
			if tag != cardFieldSignature {
				for _, nv := range change(tag, v) {
					b = put(b, tag, nv)
				}
			}
			return nil
		})
		signature, err := id.sign(domainCard, b)
		if err != nil {
			t.Fatal(err)
		}
		return armour(put(b, cardFieldSignature, signature))
	}
	instead := func(of byte, with ...[]byte) []byte {
		return remake(func(tag byte, v []byte) [][]byte {
			if tag == of {
				return with
			}
			return [][]byte{v}
		})
	}
	if _, err := ParseCard(instead(0)); err != nil {
		t.Fatalf("the unchanged card: %v", err)
	}
	flipped := bytes.Clone(good.raw)
	flipped[len(flipped)-1] ^= 1
	renamed := bytes.Replace(good.raw, []byte("192.0.2.1"), []byte("192.0.2.9"), 1)
	for name, text := range map[string][]byte{
		"nothing":              nil,
		"no end":               []byte(armourBegin + "\nAAAA"),
		"not base64":           []byte(armourBegin + "\n%%%\n" + armourEnd),
		"empty":                armour(nil),
		"cut":                  armour(good.raw[:len(good.raw)-1]),
		"broken signature":     armour(flipped),
		"other address":        armour(renamed),
		"other's certificate":  instead(cardFieldCertificate, other.Certificate),
		"too much text":        bytes.Repeat([]byte("x"), maxArmour+1),
		"too large":            armour(make([]byte, maxCard+1)),
		"version 2":            instead(cardFieldVersion, []byte{2}),
		"no name":              instead(cardFieldName),
		"two names":            instead(cardFieldName, []byte("a"), []byte("b")),
		"long name":            instead(cardFieldName, bytes.Repeat([]byte("x"), maxName+1)),
		"hidden name":          instead(cardFieldName, []byte("no\u202erth")),
		"no ledger key":        instead(cardFieldLedgerKey),
		"short ledger key":     instead(cardFieldLedgerKey, make([]byte, ed25519.PublicKeySize-1)),
		"unknown ledger kind":  instead(cardFieldLedgerKind, []byte("ml-dsa-44")),
		"no address":           instead(cardFieldAddress),
		"address without port": instead(cardFieldAddress, []byte("north.example")),
		"many addresses":       instead(cardFieldAddress, bytes.Split(bytes.TrimSuffix(bytes.Repeat([]byte("h:1,"), maxAddresses+1), []byte(",")), []byte(","))...),
		"zero expiry":          instead(cardFieldExpires, make([]byte, 8)),
		"far expiry":           instead(cardFieldExpires, bytes.Repeat([]byte{255}, 8)),
		"short commitment":     instead(cardFieldCommitment, make([]byte, 31)),
		"no certificate":       instead(cardFieldCertificate),
		"long certificate":     instead(cardFieldCertificate, make([]byte, maxCert+1)),
	} {
		if c, err := ParseCard(text); !errors.Is(err, ErrCard) {
			t.Errorf("%s: got %+v, %v", name, c, err)
		}
	}
	unknown := func() []byte {
		var b []byte
		walk(good.raw, func(tag byte, v []byte) error {
			if tag != cardFieldSignature {
				b = put(b, tag, v)
			}
			return nil
		})
		b = put(b, 99, []byte("of a later version"))
		signature, _ := id.sign(domainCard, b)
		return armour(put(b, cardFieldSignature, signature))
	}()
	if _, err := ParseCard(unknown); err != nil {
		t.Errorf("a card with a field of a later version: %v", err)
	}
}

func TestCardExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, card := testCard(t, "north")
		time.Sleep(cardLife - time.Second) // virtual
		if _, err := ParseCard(card.Text()); err != nil {
			t.Errorf("a second before: %v", err)
		}
		time.Sleep(2 * time.Second)
		if _, err := ParseCard(card.Text()); !errors.Is(err, ErrCardExpired) || !errors.Is(err, ErrCard) {
			t.Errorf("a second after: %v", err)
		}
	})
}

func FuzzParseCard(f *testing.F) {
	_, card := testCard(f, "north", "192.0.2.1:7843")
	f.Add(card.raw)
	f.Add(card.raw[:len(card.raw)/2])
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, text := range [][]byte{raw, armour(raw)} {
			c, err := ParseCard(text)
			if err != nil {
				if !errors.Is(err, ErrCard) {
					t.Errorf("an error of another kind: %v", err)
				}
				continue
			}
			if again, err := ParseCard(c.Text()); err != nil || !bytes.Equal(again.raw, c.raw) {
				t.Errorf("a good card does not read again: %v", err)
			}
		}
	})
}
