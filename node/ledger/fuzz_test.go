package ledger

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"testing"

	"parley/replica"
)

// FuzzRecords reads arbitrary bytes as each of the ledger's binary records: a
// damaged disk is an error, never a panic. What an entry or head decodes to
// encodes to the same bytes.
func FuzzRecords(f *testing.F) {
	o := &Outgoing{Last: 3, Bases: map[replica.Path]Base{"summary": {Seq: 3}, "label/vpn": {Seq: 2, Gone: 1_760_000_720_000}}, Posted: replica.View{"summary": replica.NewItem(replica.Text("x"), 1)}}
	in := &Incoming{Seq: 2, Key: "HELP-1", Via: []string{"n"}, Items: map[replica.Path]Arrival{"label/x": {Seq: 2, Seen: 1, Gone: 1_760_000_720_000}}, Remote: replica.View{}}
	d := &Done{Seq: 4, Pending: map[replica.Path]bool{"priority": true}}
	e := &Entry{Seq: 1, Verdict: Passed, Body: []byte("body")}
	segment := append([]byte{entryHead + 4}, e.encode(nil)...)
	gone := Entry{Seq: 1, Verdict: Received, Link: fuzzedLink, Erased: true}
	for _, b := range [][]byte{segment, gone.encode(nil), append([]byte{fullVersion}, e.encode(nil)[1:]...), o.encode(nil), in.encode(), d.encode(), e.encode(nil), head{Seq: 7}.encode()} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		new(Outgoing).read(b)
		new(Incoming).read(b)
		new(Done).read(b)
		var entry Entry
		if entry.decode(b) == nil && b[0] != fullVersion && (!bytes.Equal(entry.encode(nil), b) || entry.size() != len(b)) {
			t.Errorf("entry %x encodes to %x of %d bytes", b, entry.encode(nil), entry.size())
		}
		readSegment(b, 1, 2, func(*Entry) bool { return true })
		var h head
		if h.decode(b) == nil && !bytes.HasPrefix(b, h.encode()[:min(len(b), 72)]) {
			t.Errorf("head %x encodes to %x", b, h.encode())
		}
	})
}

func (o *Outgoing) read(b []byte) {
	o.Bases, o.Posted = map[replica.Path]Base{}, replica.View{}
	o.decode(b)
}

func (in *Incoming) read(b []byte) {
	in.Items, in.Remote = map[replica.Path]Arrival{}, replica.View{}
	in.decode(b)
}

func (d *Done) read(b []byte) {
	d.Pending = map[replica.Path]bool{}
	d.decode(b)
}

// FuzzCommitment holds the commitment against the library's HMAC.
func FuzzCommitment(f *testing.F) {
	f.Add([]byte("0123456789abcdef"), []byte("body"))
	f.Add([]byte(""), bytes.Repeat([]byte("x"), 1984))
	f.Add([]byte(""), bytes.Repeat([]byte("x"), 1985))
	f.Fuzz(func(t *testing.T, key, body []byte) {
		var salt [SaltSize]byte
		copy(salt[:], key)
		m := hmac.New(sha256.New, salt[:])
		m.Write(body)
		if got := commitment(salt, body); !bytes.Equal(got[:], m.Sum(nil)) {
			t.Errorf("commitment %x, HMAC %x", got, m.Sum(nil))
		}
	})
}
