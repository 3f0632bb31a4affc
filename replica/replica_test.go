package replica

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vmihailenco/msgpack/v5"
)

func sum(b []byte) Hash { return sha256.Sum256(b) }

// full is a replica with every key.
func full() *Replica {
	return &Replica{
		Version: Version1, Seq: 4711, Link: NewLinkID("globex-support", "node", "10042"), Seen: 12,
		Base: Hash{1}, After: Hash{2}, Rules: Hash{3},
		Set: View{
			"comment/10012": NewItem(Comment{Public: true, Body: Rich(hello), Created: 5}, 1_760_000_000_000),
			"summary":       NewItem(Text("Printer"), 0),
			"sla/12":        NewItem(Unknown{Name: "gauge", Raw: []byte{0x90}}, 7),
		},
		Gone: map[Path]int64{"label/a": 1_760_000_720_000, "label/b": 0}, Key: "SUP-7", URL: "https://globex.example/browse/SUP-7", Via: []string{"n2", "n1"},
		Extra: map[string][]byte{"": {0xc0}, "bases": {0x01}, "zone": {0x81, 0xa1, 'z', 0xcc, 0x80}},
	}
}

func TestReplicaComesBack(t *testing.T) {
	_, one := small(t)
	for what, r := range map[string]*Replica{
		"full": full(), "one item": one, "whole": largeReplica(t),
		"bare": {Version: Version1, Seq: 1, Link: LinkID{15: 1}},
	} {
		raw := encoded(t, r)
		in := bytes.Clone(raw)
		got, err := Decode(in)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		for i := range in {
			in[i] = 0xff // nothing of the input is kept
		}
		if !reflect.DeepEqual(got, r) {
			t.Errorf("%s: %s", what, cmp.Diff(r, got))
		}
		if again := encoded(t, got); !bytes.Equal(again, raw) {
			t.Errorf("%s: other bytes\n%x\n%x", what, raw, again)
		}
	}
}

// TestLibraryAgrees has the msgpack library read and write what this package
// wrote: it is the reference for the form.
func TestLibraryAgrees(t *testing.T) {
	raw := encoded(t, full())
	dec := msgpack.NewDecoder(bytes.NewReader(raw))
	all, err := dec.DecodeMap()
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{"key": "SUP-7", "seq": uint16(4711), "base": append([]byte{1}, make([]byte, 31)...)} {
		if diff := cmp.Diff(want, all[key]); diff != "" {
			t.Errorf("%s: %s", key, diff)
		}
	}
	var again bytes.Buffer
	enc := msgpack.NewEncoder(&again)
	enc.SetSortMapKeys(true)
	enc.UseCompactInts(true)
	if err := enc.Encode(all); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again.Bytes(), raw) {
		t.Errorf("the library writes other bytes\n%x\n%x", raw, again.Bytes())
	}
}

// spoiled is full with one thing wrong.
func spoiled(spoil func(*Replica)) *Replica {
	r := full()
	spoil(r)
	return r
}

func TestEncodeRefuses(t *testing.T) {
	for what, spoil := range map[string]func(*Replica){
		"no sequence":          func(r *Replica) { r.Seq = 0 },
		"no link":              func(r *Replica) { r.Link = LinkID{} },
		"set and gone":         func(r *Replica) { r.Gone = map[Path]int64{"summary": 1} },
		"whole, set and gone":  func(r *Replica) { r.Whole, r.Gone = true, map[Path]int64{"summary": 1} },
		"gone before 1970":     func(r *Replica) { r.Gone = map[Path]int64{"a": -1} },
		"empty path":           func(r *Replica) { r.Set[""] = NewItem(Text(""), 0) },
		"long path":            func(r *Replica) { r.Gone = map[Path]int64{Path(strings.Repeat("p", MaxPath+1)): 0} },
		"path with a newline":  func(r *Replica) { r.Gone = map[Path]int64{"a\nb": 0} },
		"path not UTF-8":       func(r *Replica) { r.Gone = map[Path]int64{"a\xff": 0} },
		"kind not UTF-8":       func(r *Replica) { r.Set["a"] = Item{Kind: "\xff", Raw: []byte{0}} },
		"no kind":              func(r *Replica) { r.Set["a"] = Item{Raw: []byte{0}} },
		"value of no bytes":    func(r *Replica) { r.Set["a"] = Item{Kind: "x"} },
		"value of two values":  func(r *Replica) { r.Set["a"] = Item{Kind: "x", Raw: []byte{0, 0}} },
		"value that is a hole": func(r *Replica) { r.Set["a"] = Item{Kind: "x", Raw: []byte{0xc1}} },
		"item before 1970":     func(r *Replica) { r.Set["a"] = Item{Kind: "x", At: -1, Raw: []byte{0}} },
		"long address":         func(r *Replica) { r.URL = strings.Repeat("u", maxURL+1) },
		"long way":             func(r *Replica) { r.Via = make([]string, maxVia+1) },
		"empty node":           func(r *Replica) { r.Via = []string{""} },
		"known key as unknown": func(r *Replica) { r.Extra["seq"] = []byte{1} },
		"extra that is none":   func(r *Replica) { r.Extra["x"] = nil },
		"extra that smuggles":  func(r *Replica) { r.Extra["x"] = []byte{1, 0xa1, 'y', 2} },
	} {
		if _, err := spoiled(spoil).Encode(); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: error %v, want ErrMalformed", what, err)
		}
	}
	if _, err := spoiled(func(r *Replica) { r.Version = 2 }).Encode(); !errors.Is(err, ErrVersion) {
		t.Errorf("version 2: %v", err)
	}
	big := spoiled(func(r *Replica) {
		for _, p := range []Path{"a", "b", "c", "d", "e"} {
			r.Set[p] = NewItem(Unknown{Name: "x", Raw: append([]byte{0xc6, 0, 0x40, 0, 0}, make([]byte, 4<<20)...)}, 0)
		}
	})
	if _, err := big.Encode(); !errors.Is(err, ErrTooLarge) {
		t.Errorf("20 MiB: %v", err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	const link, seq, v = "a46c696e6bc41000000000000000000000000000000001", "a373657101", "a17601"
	zeros := "c420" + strings.Repeat("00", 32)
	for what, in := range map[string]string{
		"nothing": "", "list": "93010203",
		"no link":           "82" + seq + v,
		"no sequence":       "82" + link + v,
		"sequence 0":        "83" + link + "a373657100" + v,
		"sequence -1":       "83" + link + "a3736571ff" + v,
		"sequence as text":  "83" + link + "a3736571a131" + v,
		"link as text":      "83a46c696e6bb0" + strings.Repeat("61", 16) + seq + v,
		"short link":        "83a46c696e6bc40101" + seq + v,
		"zero link":         "83a46c696e6bc410" + strings.Repeat("00", 16) + seq + v,
		"zero hash":         "84a5" + "6166746572" + zeros + link + seq + v,
		"empty gone":        "84a4676f6e6580" + link + seq + v,
		"gone as a list":    "84a4676f6e6591a161" + link + seq + v,
		"gone falling":      "84a4676f6e6582a16200a16100" + link + seq + v,
		"gone twice":        "84a4676f6e6582a16100a16100" + link + seq + v,
		"gone at -1":        "84a4676f6e6581a161ff" + link + seq + v,
		"gone at no time":   "84a4676f6e6581a161c0" + link + seq + v,
		"gone beyond time":  "84a4676f6e6581a161cfffffffffffffffff" + link + seq + v,
		"empty set":         "84" + link + seq + "a373657480" + v,
		"empty key":         "84a36b6579a0" + link + seq + v,
		"seen 0":            "84" + link + "a47365656e00" + seq + v,
		"not whole":         "84" + link + seq + v + "a577686f6c65c2",
		"set and gone":      "85a4676f6e6581a16100" + link + seq + "a373657481a16182a16ba178a17600" + v,
		"empty node":        "84" + link + seq + v + "a376696191a0",
		"no nodes":          "84" + link + seq + v + "a376696190",
		"version too large": "83" + link + seq + "a176cd0100",
		"version -1":        "83" + link + seq + "a176ff",
	} {
		if r, err := Decode(unhex(t, in)); !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrVersion) {
			t.Errorf("%s: %+v and error %v, want ErrMalformed", what, r, err)
		}
	}
	for what, in := range map[string]string{
		"version 2":                          "83" + link + seq + "a17602",
		"no version":                         "82" + link + seq,
		"version 2 with another set":         "84" + link + seq + "a3736574a178" + "a17602",
		"version 2 without what version has": "82" + "a3736574a178" + "a17602",
	} {
		if _, err := Decode(unhex(t, in)); !errors.Is(err, ErrVersion) {
			t.Errorf("%s: error %v, want ErrVersion", what, err)
		}
	}
	if _, err := Decode(make([]byte, MaxReplica+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("16 MiB and a byte: %v", err)
	}
	if r, err := Decode(unhex(t, "83"+link+seq+v)); err != nil || r.Seq != 1 {
		t.Errorf("the least replica: %+v, %v", r, err)
	}
}

func TestFold(t *testing.T) {
	base := View{"a": NewItem(Text("1"), 0), "b": NewItem(Text("2"), 0), "c": NewItem(Text("3"), 0)}
	now := View{"a": NewItem(Text("1"), 0), "b": NewItem(Text("new"), 0), "d": NewItem(Text("4"), 0)}
	r := between(t, base, now)
	got, err := base.Fold(r)
	if err != nil || !cmp.Equal(got, now) {
		t.Fatalf("%v, %v", got, err)
	}
	if _, err := now.Fold(r); !errors.Is(err, ErrBase) {
		t.Errorf("folded twice: %v", err)
	}
	if _, err := View(nil).Fold(r); !errors.Is(err, ErrBase) {
		t.Errorf("folded into nothing: %v", err)
	}
	lost := *r
	lost.Gone = nil
	if _, err := base.Fold(&lost); !errors.Is(err, ErrAfter) {
		t.Errorf("with a withdrawn item left out: %v", err)
	}
	other := *r
	other.Set = View{"b": NewItem(Text("forged"), 0), "d": now["d"]}
	if _, err := base.Fold(&other); !errors.Is(err, ErrAfter) {
		t.Errorf("with another value: %v", err)
	}
	whole := &Replica{Version: Version1, Seq: 9, Link: LinkID{1}, Whole: true, Base: Hash{9}, After: now.Hash(), Set: now}
	if got, err := base.Fold(whole); err != nil || !cmp.Equal(got, now) {
		t.Errorf("the whole view: %v, %v", got, err)
	}
	whole.Gone = map[Path]int64{"a": 5, "z": 6}
	delete(whole.Set, "a")
	whole.After = whole.Set.Hash()
	if got, err := base.Fold(whole); err != nil || !cmp.Equal(got, whole.Set) {
		t.Errorf("the whole view with what it withdrew: %v, %v", got, err)
	}
	whole.Set, whole.Gone, whole.After = nil, nil, Hash{}
	if got, err := base.Fold(whole); err != nil || len(got) != 0 {
		t.Errorf("the whole view of nothing: %v, %v", got, err)
	}
}

func TestPaths(t *testing.T) {
	for p, want := range map[Path][2]string{
		"summary": {"summary", ""}, "label/vpn": {"label", "vpn"}, "label/a/b": {"label", "a/b"}, "comment/10012": {"comment", "10012"},
		"field:Contract reference": {"field:Contract reference", ""}, "field:Yes/No": {"field:Yes/No", ""}, "view:x": {"view:x", ""},
		"label/a:b": {"label", "a:b"}, "": {"", ""},
	} {
		if got := [2]string{p.Kind(), p.Element()}; got != want {
			t.Errorf("%q: %q, want %q", p, got, want)
		}
	}
}

func TestLinkIDs(t *testing.T) {
	a, b := NewLinkID("ab", "c", "d"), NewLinkID("a", "bc", "d")
	if a == b || a.IsZero() {
		t.Errorf("%v and %v", a, b)
	}
	back, err := ParseLinkID(a.String())
	if err != nil || back != a || len(a.String()) != 26 {
		t.Errorf("%v comes back as %v, %v", a, back, err)
	}
	text := a.String()
	for _, bad := range []string{"", text[1:], text + "a", strings.ToUpper(text), text[:25] + "b", text[:25] + "1", strings.Repeat("=", 26)} {
		if got, err := ParseLinkID(bad); err == nil && got.String() != bad {
			t.Errorf("%q is taken as %v", bad, got)
		}
	}
}
