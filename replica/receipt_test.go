package replica

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ledgerKey is the same in every run, so that vectors are too.
func ledgerKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

func fullReceipt() *Receipt {
	return &Receipt{
		Connection: "globex-support", Epoch: [16]byte{1, 2, 3}, Stored: 4711, Chain: Hash{9}, Settled: 17,
		Outcomes: []Outcome{
			{Link: LinkID{1}, Seq: 4710, State: Applied, Twin: "HELP-3"},
			{Link: LinkID{2}, Seq: 4711, State: Held, Code: "no-such-option", Paths: []Path{"priority", "field:Impact"}},
			{Link: LinkID{3}, Seq: 4, State: Refused, Code: "policy"}, {Link: LinkID{4}, Seq: 5, State: Dropped},
			{Seq: 6, State: Resend, Code: "unreadable"},
		},
	}
}

func TestReceiptComesBack(t *testing.T) {
	for what, r := range map[string]*Receipt{"full": fullReceipt(), "bare": {Connection: "c"}} {
		b, err := r.Sign(ledgerKey(1))
		if err != nil {
			t.Fatal(err)
		}
		got, err := OpenReceipt(b, public(ledgerKey(1)))
		if err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("%s: %v %s", what, err, cmp.Diff(r, got))
		}
	}
}

func TestReceiptOfAnotherIsRefused(t *testing.T) {
	b, err := fullReceipt().Sign(ledgerKey(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenReceipt(b, public(ledgerKey(2))); !errors.Is(err, ErrSignature) {
		t.Errorf("another's key: %v", err)
	}
	if _, err := OpenReceipt(b, nil); !errors.Is(err, ErrSignature) {
		t.Errorf("no key: %v", err)
	}
	for i := range b {
		forged := bytes.Clone(b)
		forged[i] ^= 1
		if got, err := OpenReceipt(forged, public(ledgerKey(1))); err == nil {
			t.Fatalf("with bit 0 of byte %d turned: %+v", i, got)
		}
	}
	for n := range len(b) {
		if _, err := OpenReceipt(b[:n], public(ledgerKey(1))); err == nil {
			t.Fatalf("the first %d bytes pass", n)
		}
	}
}

// TestReceiptNeedsItsDomain signs the body as something else would.
func TestReceiptNeedsItsDomain(t *testing.T) {
	body := fullReceipt().encode()
	for _, domain := range []string{"", "parley checkpoint 1\n"} {
		b := envelopeOf(body, ed25519.Sign(ledgerKey(1), append([]byte(domain), body...)))
		if _, err := OpenReceipt(b, public(ledgerKey(1))); !errors.Is(err, ErrSignature) {
			t.Errorf("signed as %q: %v", domain, err)
		}
	}
}

func envelopeOf(body, sig []byte) []byte {
	s := newSink()
	s.mapLen(2)
	s.ascii("body")
	s.bin(body)
	s.ascii("sig")
	s.bin(sig)
	return s.take()
}

func TestSignedNonsenseIsRefused(t *testing.T) {
	const least = "83aa636f6e6e656374696f6ea163a565706f6368c41000000000000000000000000000000000a673746f72656400"
	bodies := map[string]string{
		"nothing": "", "list": "90", "empty map": "80",
		"no connection":   "82" + least[2+26:],
		"unknown key":     "84" + least[2:] + "a37a7a7a00",
		"no outcomes":     strings.Replace("84"+least[2:], "a673746f", "a86f7574636f6d657390a673746f", 1),
		"bare outcome":    strings.Replace("84"+least[2:], "a673746f", "a86f7574636f6d65739180a673746f", 1),
		"outcome is text": strings.Replace("84"+least[2:], "a673746f", "a86f7574636f6d657391a161a673746f", 1),
		"settled 0":       "84" + least[2:len(least)-2*8] + "a7736574746c656400" + least[len(least)-2*8:],
		"stored as text":  least[:len(least)-2] + "a131",
	}
	for what, hex := range bodies {
		body := unhex(t, hex)
		b := envelopeOf(body, ed25519.Sign(ledgerKey(1), append([]byte(receiptDomain), body...)))
		if r, err := OpenReceipt(b, public(ledgerKey(1))); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %+v and error %v, want ErrMalformed", what, r, err)
		}
	}
	body := unhex(t, least)
	b := envelopeOf(body, ed25519.Sign(ledgerKey(1), append([]byte(receiptDomain), body...)))
	if _, err := OpenReceipt(b, public(ledgerKey(1))); err != nil {
		t.Errorf("the least receipt: %v", err)
	}
}

func TestSignRefuses(t *testing.T) {
	spoil := func(f func(*Receipt)) *Receipt { r := fullReceipt(); f(r); return r }
	for what, r := range map[string]*Receipt{
		"no connection": spoil(func(r *Receipt) { r.Connection = "" }),
		"unknown state": spoil(func(r *Receipt) { r.Outcomes[0].State = "done" }),
		"sequence 0":    spoil(func(r *Receipt) { r.Outcomes[0].Seq = 0 }),
		"empty path":    spoil(func(r *Receipt) { r.Outcomes[0].Paths = []Path{""} }),
		"settled short": spoil(func(r *Receipt) { r.Settled = 4 }),
		"long code":     spoil(func(r *Receipt) { r.Outcomes[0].Code = strings.Repeat("c", maxName+1) }),
	} {
		if _, err := r.Sign(ledgerKey(1)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: error %v, want ErrMalformed", what, err)
		}
	}
	many := spoil(func(r *Receipt) { r.Outcomes = make([]Outcome, MaxOutcomes+1) })
	if _, err := many.Sign(ledgerKey(1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("10,001 outcomes: %v", err)
	}
	if _, err := fullReceipt().Sign(nil); err == nil {
		t.Error("signed without a key")
	}
}

func TestTheLongestReceiptFits(t *testing.T) {
	r := &Receipt{Connection: "c", Settled: MaxOutcomes}
	for i := range MaxOutcomes {
		r.Outcomes = append(r.Outcomes, Outcome{Link: LinkID{byte(i), byte(i >> 8)}, Seq: Seq(i + 1), State: Applied, Twin: "SUPPORT-123456"})
	}
	b, err := r.Sign(ledgerKey(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenReceipt(b, public(ledgerKey(1))); err != nil {
		t.Error(err)
	}
	if _, err := OpenReceipt(append(b, make([]byte, MaxReceipt)...), public(ledgerKey(1))); !errors.Is(err, ErrTooLarge) {
		t.Errorf("beyond a mebibyte: %v", err)
	}
}
