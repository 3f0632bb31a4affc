package replica

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vmihailenco/msgpack/v5"
	"pgregory.net/rapid"
)

// paths are few, so that drawn views meet.
var paths = rapid.SampledFrom([]Path{
	"summary", "priority", "label/vpn", "label/ü", "comment/1", "comment/2", "field:Yes/No", "view:severity", "sla/12",
})

// rawValues are any msgpack, written by the library.
var rawValues = rapid.Custom(func(t *rapid.T) []byte {
	var buf bytes.Buffer
	enc := msgpack.NewEncoder(&buf)
	enc.SetSortMapKeys(true)
	enc.UseCompactInts(true)
	if err := enc.Encode(anything(3).Draw(t, "value")); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
})

func anything(depth int) *rapid.Generator[any] {
	leaves := []*rapid.Generator[any]{
		rapid.Int64().AsAny(), rapid.Uint64().AsAny(), rapid.String().AsAny(), rapid.Bool().AsAny(),
		rapid.SliceOf(rapid.Byte()).AsAny(), rapid.Just[any](nil),
	}
	if depth == 0 {
		return rapid.OneOf(leaves...)
	}
	return rapid.OneOf(append(leaves,
		rapid.SliceOfN(rapid.Deferred(func() *rapid.Generator[any] { return anything(depth - 1) }), 0, 20).AsAny(),
		rapid.MapOfN(rapid.String(), rapid.Deferred(func() *rapid.Generator[any] { return anything(depth - 1) }), 0, 20).AsAny(),
	)...)
}

var values = rapid.Custom(func(t *rapid.T) Value {
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		return Text(rapid.String().Draw(t, "text"))
	case 1:
		return Time(rapid.Int64().Draw(t, "time"))
	case 2:
		return Option{Name: rapid.String().Draw(t, "name"), ID: rapid.String().Draw(t, "id")}
	case 3:
		return List{Text(rapid.String().Draw(t, "element"))}
	case 4:
		return Comment{Body: Rich(hello), Public: rapid.Bool().Draw(t, "public"), Parent: rapid.String().Draw(t, "parent")}
	default:
		return Unknown{Name: Kind(rapid.StringN(1, 20, maxKind).Draw(t, "kind name")), Raw: rawValues.Draw(t, "raw")}
	}
})

var views = rapid.Custom(func(t *rapid.T) View {
	v := View{}
	for range rapid.IntRange(0, 6).Draw(t, "items") {
		v[paths.Draw(t, "path")] = NewItem(values.Draw(t, "value"), rapid.Int64Range(0, 1<<41).Draw(t, "at"))
	}
	return v
})

func TestDiffLeadsThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := views.Draw(t, "base"), views.Draw(t, "now")
		before := a.Clone()
		set, gone := Diff(a, b)
		r := &Replica{Version: Version1, Seq: 1, Link: LinkID{1}, Base: a.Hash(), After: b.Hash(), Set: set, Gone: goneAt(gone, rapid.Int64Range(0, 1<<41).Draw(t, "withdrawn"))}
		raw, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		got, err := a.Fold(back)
		if err != nil {
			t.Fatal(err)
		}
		for p := range b {
			if !got[p].Equal(b[p]) {
				t.Fatalf("%q differs", p)
			}
		}
		if len(got) != len(b) || got.Hash() != b.Hash() {
			t.Fatalf("%d items, want %d", len(got), len(b))
		}
		if diff := cmp.Diff(before, a); diff != "" {
			t.Fatalf("folding changed its base: %s", diff)
		}
		if len(set) == 0 && len(gone) == 0 != (a.Hash() == b.Hash()) {
			t.Fatal("no difference, and yet another hash")
		}
	})
}

func TestHashesTellViewsApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := views.Draw(t, "a"), views.Draw(t, "b")
		same := maps.EqualFunc(a, b, Item.Equal)
		if (a.Hash() == b.Hash()) != same {
			t.Fatalf("hashes agree: %v, views agree: %v", !same, same)
		}
	})
}

func TestHashIgnoresOrderAndTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := views.Draw(t, "view")
		order := rapid.Permutation(slices.Sorted(maps.Keys(v))).Draw(t, "order")
		again := View{}
		for _, p := range order {
			it := v[p]
			it.At++
			again[p] = it
		}
		if again.Hash() != v.Hash() {
			t.Fatal("the hash depends on order or time")
		}
	})
}

func TestHashOfNothingIsZero(t *testing.T) {
	if !(View{}).Hash().IsZero() || !View(nil).Hash().IsZero() {
		t.Error("the empty view has a hash")
	}
	if (View{"a": NewItem(Text(""), 0)}).Hash().IsZero() {
		t.Error("a view of one empty text has none")
	}
}

func TestClonesStandApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := views.Draw(t, "view")
		hash := v.Hash()
		c := v.Clone()
		for p := range c {
			delete(c, p)
		}
		c["new"] = NewItem(Text("x"), 0)
		if v.Hash() != hash {
			t.Fatal("a change to the clone shows in the view")
		}
	})
}

func TestViewsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := views.Draw(t, "view")
		raw := v.Encode()
		in := bytes.Clone(raw)
		got, err := DecodeView(in)
		if err != nil {
			t.Fatal(err)
		}
		for i := range in {
			in[i] = 0xff // nothing of the input is kept
		}
		if !reflect.DeepEqual(v, got) || !bytes.Equal(got.Encode(), raw) {
			t.Fatal(cmp.Diff(v, got))
		}
	})
}

func TestDecodeViewRefuses(t *testing.T) {
	item := "82a16ba474657874a176a178" // k text, v "x"
	for what, in := range map[string]string{
		"nothing": "", "list": "90", "nil": "c0", "number behind a path": "81a16100",
		"empty path":               "81a0" + item,
		"control character":        "81a10a" + item,
		"item without a kind":      "81a16181a176a178",
		"item without a value":     "81a16181a16ba474657874",
		"empty kind":               "81a16182a16ba0a176a178",
		"time 0":                   "81a16183a2617400a16ba474657874a176a178",
		"time before 1970":         "81a16183a26174ffa16ba474657874a176a178",
		"further key":              "81a16183a16ba474657874a176a178a17800",
		"unknown key for the time": "81a16183a2617401a16ba474657874a177a178",
		"path too long":            "81da0201" + fmt.Sprintf("%x", bytes.Repeat([]byte("p"), MaxPath+1)) + item,
	} {
		if v, err := DecodeView(unhex(t, in)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v and error %v, want ErrMalformed", what, v, err)
		}
	}
	if _, err := DecodeView(make([]byte, MaxView+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("65 MiB: %v", err)
	}
}

func TestItemHashIsOfItsList(t *testing.T) {
	for _, p := range []Path{"a", Path(bytes.Repeat([]byte("p"), 31)), Path(bytes.Repeat([]byte("p"), 32)), Path(bytes.Repeat([]byte("p"), 300))} {
		for _, text := range []Text{"", "x", Text(bytes.Repeat([]byte("x"), 5000))} {
			it := NewItem(text, 5)
			raw, err := msgpack.Marshal([]any{string(p), "text", string(text)})
			if err != nil {
				t.Fatal(err)
			}
			if got := it.Hash(p); got != sum(raw) {
				t.Errorf("path of %d bytes, text of %d: %v", len(p), len(text), got)
			}
		}
	}
}

func TestViewHashOfOneNeedsNoMemory(t *testing.T) {
	v, _ := small(t)
	if n := testing.AllocsPerRun(100, func() { v.Hash() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
