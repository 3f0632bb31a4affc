package replica

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
)

// FuzzCheck: what the guard takes, the library reads and writes to the same
// bytes.
func FuzzCheck(f *testing.F) {
	for _, v := range everyKind() {
		f.Add(NewItem(v, 0).Raw)
	}
	f.Add([]byte{0xdd, 0xff, 0xff, 0xff, 0xff})
	f.Add(bytes.Repeat([]byte{0x91}, 40))
	f.Fuzz(func(t *testing.T, b []byte) {
		if Check(b) != nil {
			return
		}
		v, err := msgpack.NewDecoder(bytes.NewReader(b)).DecodeInterface()
		if err != nil {
			t.Fatalf("the library refuses: %v", err)
		}
		var again bytes.Buffer
		enc := msgpack.NewEncoder(&again)
		enc.SetSortMapKeys(true)
		enc.UseCompactInts(true)
		if err := enc.Encode(v); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again.Bytes(), b) {
			t.Fatalf("the library writes %x", again.Bytes())
		}
	})
}

func FuzzDecode(f *testing.F) {
	_, one := small(f)
	f.Add(encoded(f, full()))
	f.Add(encoded(f, one))
	f.Add(encoded(f, &Replica{Version: Version1, Seq: 1, Link: LinkID{1}, Whole: true}))
	f.Add(encoded(f, &Replica{Version: Version1, Seq: 1, Link: LinkID{1}, Whole: true, Gone: map[Path]int64{"label/a": 0, "label/b": 1}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Decode(b)
		if e, refused := Open(b); fmt.Sprint(refused) != fmt.Sprint(err) || err == nil && (e != Envelope{r.Seq, r.Link, r.Rules}) {
			t.Fatalf("opens to %v, %v: it decodes to %v, %v", e, refused, r, err)
		}
		if _, ok := peek(b); ok && err != nil {
			t.Fatalf("is taken at a look: %v", err)
		}
		if err != nil {
			return
		}
		again, err := r.Encode()
		if err != nil {
			t.Fatalf("what decodes does not encode: %v", err)
		}
		if !bytes.Equal(again, b) {
			t.Fatalf("encodes to %x", again)
		}
		if v, err := View(nil).Fold(r); err == nil && v.Hash() != r.After {
			t.Fatal("folds to another view")
		}
	})
}

// TestBombsCostLittle: memory follows the bytes at hand, never a count in them.
func TestBombsCostLittle(t *testing.T) {
	const link, seq, v = "a46c696e6bc41000000000000000000000000000000001", "a373657101", "a17601"
	nils := func(n int) string { return strings.Repeat("c0", n) }
	for what, in := range map[string]string{
		"list of 2^32":        "ddffffffff",
		"map of 2^32":         "dfffffffff",
		"gone of nils":        "84a4676f6e65dec350" + nils(100_000) + link + seq + v,
		"gone of a few bytes": "84a4676f6e65dec350" + manyGone(50_000) + link + seq + v,
		"set of nils":         "84" + link + seq + "a3736574df0000c350" + nils(100_000) + v,
		"set of few":          "84" + link + seq + "a3736574dd000186a0" + nils(100_000) + v,
		"via of nils":         "84" + link + seq + v + "a3766961dd000186a0" + nils(100_000),
		"nothing in each":     "dd000186a0" + strings.Repeat("90", 100_000),
		"maps in each other":  strings.Repeat("81a161", 100_000),
		"lists in each other": strings.Repeat("91", 100_000),
	} {
		b := unhex(t, in)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = Decode(b)
		_, _ = DecodeView(b)
		_, _ = Item{Kind: KindList, Raw: b}.Value()
		_, _ = OpenReceipt(b, public(ledgerKey(1)))
		runtime.ReadMemStats(&after)
		if got, most := after.TotalAlloc-before.TotalAlloc, uint64(64*len(b)+1<<16); got > most {
			t.Errorf("%s: %d bytes cost %d, want at most %d", what, len(b), got, most)
		}
	}
}

// manyGone is that many rising paths of three bytes, each withdrawn at 0.
func manyGone(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "a3%02x%02x%02x00", 0x30+i>>12&0x3f, 0x30+i>>6&0x3f, 0x30+i&0x3f)
	}
	return b.String()
}

func FuzzDecodeView(f *testing.F) {
	f.Add(full().Set.Encode())
	f.Add(View{}.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := DecodeView(b)
		if err != nil {
			return
		}
		if again := v.Encode(); !bytes.Equal(again, b) {
			t.Fatalf("encodes to %x", again)
		}
	})
}

// FuzzValue: what a value decodes to encodes to the same bytes.
func FuzzValue(f *testing.F) {
	for _, v := range everyKind() {
		it := NewItem(v, 0)
		f.Add(string(it.Kind), it.Raw)
	}
	f.Fuzz(func(t *testing.T, kind string, b []byte) {
		v, err := Item{Kind: Kind(kind), Raw: b}.Value()
		if err != nil {
			return
		}
		if again := NewItem(v, 0); string(again.Kind) != kind || !bytes.Equal(again.Raw, b) {
			t.Fatalf("encodes to %q %x", again.Kind, again.Raw)
		}
	})
}

// FuzzOpenReceipt reads b both as an envelope and as a body that the peer did
// sign.
func FuzzOpenReceipt(f *testing.F) {
	signed, err := fullReceipt().Sign(ledgerKey(1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed)
	f.Add(fullReceipt().encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := OpenReceipt(b, public(ledgerKey(1))); err == nil && !bytes.Equal(b, signed) {
			t.Fatal("a receipt that nobody signed")
		}
		signed := envelopeOf(b, ed25519.Sign(ledgerKey(1), append([]byte(receiptDomain), b...)))
		if r, err := OpenReceipt(signed, public(ledgerKey(1))); err == nil && !bytes.Equal(r.encode(), b) {
			t.Fatalf("encodes to %x", r.encode())
		}
	})
}

func FuzzParseNumber(f *testing.F) {
	for _, s := range []string{"0", "-0.0", "1.25e3", "5e-3", "1e99"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseNumber(s)
		if err != nil {
			return
		}
		if again, err := ParseNumber(string(n)); err != nil || again != n {
			t.Fatalf("%q, then %q, %v", n, again, err)
		}
	})
}
