package replica

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/vectors anew")

const vectors = "../testdata/vectors"

// hexBytes are bytes as people compare them.
type hexBytes []byte

func (h hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }

func (h *hexBytes) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

// The vectors as the files hold them; README.md there explains them.
type (
	valueVector struct {
		What  string   `json:"what"`
		Path  string   `json:"path"`
		Kind  string   `json:"kind"`
		Value hexBytes `json:"value"`
		Hash  hexBytes `json:"hash"`
	}
	replicaVector struct {
		What      string   `json:"what"`
		BaseView  hexBytes `json:"base_view"`
		BaseHash  hexBytes `json:"base_hash"`
		Replica   hexBytes `json:"replica"`
		AfterView hexBytes `json:"after_view"`
		AfterHash hexBytes `json:"after_hash"`
	}
	refusedVector struct {
		What    string   `json:"what"`
		Replica hexBytes `json:"replica"`
	}
	receiptVector struct {
		What   string   `json:"what"`
		Seed   hexBytes `json:"seed"`
		Public hexBytes `json:"public"`
		Domain string   `json:"domain"`
		Body   hexBytes `json:"body"`
		Signed hexBytes `json:"signed"`
		Opens  bool     `json:"opens"`
	}
	linkVector struct {
		Connection string `json:"connection"`
		Node       string `json:"node"`
		Ticket     string `json:"ticket"`
		Link       string `json:"link"`
	}
)

func valueVectors() (all []valueVector) {
	kinds := everyKind()
	for _, what := range slices.Sorted(maps.Keys(kinds)) {
		it := NewItem(kinds[what], 0)
		p := Path("example/" + what)
		h := it.Hash(p)
		all = append(all, valueVector{What: what, Kind: string(it.Kind), Path: string(p), Value: it.Raw, Hash: h[:]})
	}
	return all
}

func replicaVectors(tb testing.TB) (all []replicaVector) {
	add := func(what string, base, now View, change func(*Replica)) {
		r := between(tb, base, now)
		if change != nil {
			change(r)
		}
		before, after := base.Hash(), now.Hash()
		all = append(all, replicaVector{
			What: what, Replica: encoded(tb, r), BaseView: base.Encode(), BaseHash: before[:], AfterView: now.Encode(), AfterHash: after[:],
		})
	}
	base, r := small(tb)
	now, err := base.Fold(r)
	if err != nil {
		tb.Fatal(err)
	}
	busy := full().Set
	add("one item has a new value", base, now, nil)
	add("the first replica of a link", nil, now, func(r *Replica) { r.Seen = 0 })
	add("items set and gone, every key of the envelope, keys and a kind that version 1 does not know", now, busy, func(r *Replica) {
		r.Key, r.URL, r.Via, r.Extra = "SUP-7", "https://globex.example/browse/SUP-7", []string{"n2", "n1"}, full().Extra
	})
	add("the whole view", now, busy, func(r *Replica) { r.Whole, r.Set, r.Gone, r.Base = true, busy, nil, Hash{} })
	add("everything is withdrawn", busy, nil, nil)
	add("withdrawn at an unknown time", busy, nil, func(r *Replica) { r.Gone = goneAt(slices.Collect(maps.Keys(busy)), 0) })
	add("the whole view, and what is remembered to have been withdrawn", now, busy, func(r *Replica) {
		r.Whole, r.Set, r.Gone, r.Base = true, busy, map[Path]int64{"label/vip": 1_760_000_720_000, "label/vpn": 1_760_000_000_000}, Hash{}
	})
	add("nothing changed", busy, busy, nil)
	return all
}

// refusedVectors are the least replica with one thing wrong, and bombs.
func refusedVectors() (all []refusedVector) {
	const link, seq, v = "a46c696e6bc41000000000000000000000000000000001", "a373657101", "a17601"
	for _, c := range [][2]string{
		{"sequence number not in its shortest form", "83" + link + "a3736571cc01" + v},
		{"keys out of order", "83" + seq + link + v},
		{"a key twice", "84" + link + seq + seq + v},
		{"a byte after the value", "83" + link + seq + v + "00"},
		{"an empty key written out", "84a36b6579a0" + link + seq + v},
		{"a path set and gone", "85a4676f6e6581a16100" + link + seq + "a373657481a16182a16ba178a17600" + v},
		{"gone paths out of order", "84a4676f6e6582a16200a16100" + link + seq + v},
		{"gone paths without their times", "84a4676f6e6591a161" + link + seq + v},
		{"a path withdrawn before 1970", "84a4676f6e6581a161ff" + link + seq + v},
		{"no link", "82" + seq + v},
		{"version 2", "83" + link + seq + "a17602"},
		{"a float in a value", "84" + link + seq + "a373657481a16182a16ba178a176ca00000000" + v},
		{"text that is not UTF-8", "84a36b6579a1ff" + link + seq + v},
		{"five bytes that claim 4,294,967,295 elements", "ddffffffff"},
		{"nested too deep", strings.Repeat("91", 33) + "00"},
	} {
		b, err := hex.DecodeString(c[1])
		if err != nil {
			panic(err)
		}
		all = append(all, refusedVector{What: c[0], Replica: b})
	}
	return all
}

func receiptVectors(tb testing.TB) (all []receiptVector) {
	key := ledgerKey(7)
	for _, c := range []struct {
		what string
		r    *Receipt
	}{
		{"stored only", &Receipt{Connection: "globex-support", Epoch: [16]byte{1}, Stored: 3}},
		{"every outcome", fullReceipt()},
		{"items changed on both sides at once, kept and taken", &Receipt{
			Connection: "globex-support", Epoch: [16]byte{1}, Stored: 4711, Chain: Hash{9}, Settled: 18,
			Outcomes: []Outcome{{
				Link: LinkID{1}, Seq: 4711, State: Held, Code: "no-such-option", Twin: "HELP-3",
				Paths: []Path{"field:Impact"}, Kept: []Path{"priority", "summary"}, Taken: []Path{"description"},
			}},
		}},
	} {
		signed, err := c.r.Sign(key)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, receiptVector{
			What: c.what, Seed: key.Seed(), Public: hexBytes(public(key)), Domain: receiptDomain, Body: c.r.encode(), Signed: signed, Opens: true,
		})
	}
	forged := all[1]
	forged.What, forged.Opens, forged.Signed = "one bit of the body turned", false, bytes.Clone(forged.Signed)
	forged.Signed[20] ^= 1
	return append(all, forged)
}

func linkVectors() (all []linkVector) {
	for _, c := range [][3]string{{"globex-support", "node-a", "10042"}, {"globex", "-supportnode-a", "10042"}, {"büro", "node-b", "1"}} {
		all = append(all, linkVector{c[0], c[1], c[2], NewLinkID(c[0], c[1], c[2]).String()})
	}
	return all
}

// TestVectorsAreCurrent: the files are what this package writes. go test
// ./replica -run Vectors -update writes them anew, which breaks the format
// for every partner: see the version rule first.
func TestVectorsAreCurrent(t *testing.T) {
	for name, v := range map[string]any{
		"values.json": valueVectors(), "replicas.json": replicaVectors(t), "refused.json": refusedVectors(),
		"receipts.json": receiptVectors(t), "links.json": linkVectors(),
	} {
		want, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, '\n')
		file := filepath.Join(vectors, name)
		if *update {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what this package writes", name)
		}
	}
}

func read[V any](t *testing.T, name string) (all []V) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(vectors, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &all); err != nil || len(all) == 0 {
		t.Fatalf("%s: %d vectors, %v", name, len(all), err)
	}
	return all
}

// The tests below read the files as a partner's engineer would.

func TestVectorsOfValues(t *testing.T) {
	for _, c := range read[valueVector](t, "values.json") {
		it := Item{Kind: Kind(c.Kind), Raw: c.Value}
		v, err := it.Value()
		if err != nil {
			t.Errorf("%s: %v", c.What, err)
			continue
		}
		if h := it.Hash(Path(c.Path)); !bytes.Equal(h[:], c.Hash) || !NewItem(v, 0).Equal(it) {
			t.Errorf("%s: hash %v, value %v", c.What, h, v)
		}
	}
}

func TestVectorsOfReplicas(t *testing.T) {
	for _, c := range read[replicaVector](t, "replicas.json") {
		base, err := DecodeView(c.BaseView)
		if err != nil {
			t.Fatalf("%s: %v", c.What, err)
		}
		r, err := Decode(c.Replica)
		if err != nil {
			t.Fatalf("%s: %v", c.What, err)
		}
		after, err := base.Fold(r)
		if err != nil {
			t.Fatalf("%s: %v", c.What, err)
		}
		before, now := base.Hash(), after.Hash()
		if !bytes.Equal(before[:], c.BaseHash) || !bytes.Equal(now[:], c.AfterHash) {
			t.Errorf("%s: hashes %v and %v", c.What, before, now)
		}
		want, err := DecodeView(c.AfterView)
		if set, gone := Diff(want, after); err != nil || len(set)+len(gone) > 0 {
			t.Errorf("%s: another view, %v", c.What, err)
		}
	}
}

func TestVectorsRefused(t *testing.T) {
	for _, c := range read[refusedVector](t, "refused.json") {
		if _, err := Decode(c.Replica); !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrVersion) {
			t.Errorf("%s: %v", c.What, err)
		}
	}
}

func TestVectorsOfReceipts(t *testing.T) {
	for _, c := range read[receiptVector](t, "receipts.json") {
		r, err := OpenReceipt(c.Signed, []byte(c.Public))
		if (err == nil) != c.Opens || c.Opens && !bytes.Equal(r.encode(), c.Body) {
			t.Errorf("%s: %+v, %v", c.What, r, err)
		}
	}
}

func TestVectorsOfLinks(t *testing.T) {
	for _, c := range read[linkVector](t, "links.json") {
		if got := NewLinkID(c.Connection, c.Node, c.Ticket); got.String() != c.Link {
			t.Errorf("%v: %v", c, got)
		}
	}
}
