package ledger

import (
	"encoding/binary"
	"maps"
	"slices"

	"parley/replica"
)

// The three records of a link lie on the path of every replica, so they have a
// plain binary form: fixed fields, a counted list in no particular order, and
// the view in its own stored form at the end.

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func (r *reader) string() string {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.bad = true
		return ""
	}
	return string(r.take(int(n)))
}

// count reads a list's length; no list is longer than the bytes that are left.
func (r *reader) count() int {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.bad = true
		return 0
	}
	return int(n)
}

// encode appends o's record to b.
func (o *Outgoing) encode(b []byte) []byte {
	o.forget()
	b = binary.BigEndian.AppendUint64(b, uint64(o.Last))
	b = binary.BigEndian.AppendUint64(b, uint64(o.Whole))
	b = append(append(b, o.After[:]...), o.Rules[:]...)
	b = binary.AppendUvarint(b, uint64(len(o.Bases)))
	for p, base := range o.Bases {
		b = append(appendString(b, string(p)), base.Local[:]...)
		b = binary.AppendUvarint(b, uint64(base.Seq))
		b = binary.AppendUvarint(b, uint64(base.Gone))
	}
	return o.Posted.Append(b)
}

func (o *Outgoing) decode(v []byte) (err error) {
	r := reader{b: v}
	o.Last, o.Whole, o.After, o.Rules = replica.Seq(r.num()), replica.Seq(r.num()), r.hash(), r.hash()
	for n := r.count(); n > 0 && !r.bad; n-- {
		p := replica.Path(r.string())
		o.Bases[p] = Base{Local: r.hash(), Seq: replica.Seq(r.uvarint()), Gone: int64(r.uvarint())}
	}
	if err := r.end("outgoing"); err != nil {
		return err
	}
	o.Posted, err = replica.DecodeView(slices.Clone(r.b))
	return err
}

func (in *Incoming) encode() []byte {
	b := make([]byte, 0, 128+32*len(in.Items))
	b = binary.BigEndian.AppendUint64(b, uint64(in.Seq))
	b = binary.BigEndian.AppendUint64(b, uint64(in.Folded))
	b = append(b, in.After[:]...)
	b = appendString(appendString(b, in.Key), in.URL)
	b = binary.AppendUvarint(b, uint64(len(in.Via)))
	for _, via := range in.Via {
		b = appendString(b, via)
	}
	b = binary.AppendUvarint(b, uint64(len(in.Items)))
	for p, a := range in.Items {
		b = binary.AppendUvarint(appendString(b, string(p)), uint64(a.Seq))
		b = binary.AppendUvarint(b, uint64(a.Seen))
		b = binary.AppendUvarint(b, uint64(a.Gone))
	}
	return in.Remote.Append(b)
}

func (in *Incoming) decode(v []byte) (err error) {
	r := reader{b: v}
	in.Seq, in.Folded, in.After = replica.Seq(r.num()), replica.Seq(r.num()), r.hash()
	in.Key, in.URL = r.string(), r.string()
	for n := r.count(); n > 0 && !r.bad; n-- {
		in.Via = append(in.Via, r.string())
	}
	for n := r.count(); n > 0 && !r.bad; n-- {
		p := replica.Path(r.string())
		in.Items[p] = Arrival{Seq: replica.Seq(r.uvarint()), Seen: replica.Seq(r.uvarint()), Gone: int64(r.uvarint())}
	}
	if err := r.end("incoming"); err != nil {
		return err
	}
	in.Remote, err = replica.DecodeView(slices.Clone(r.b))
	return err
}

func (d *Done) encode() []byte {
	b := make([]byte, 0, 64)
	b = binary.BigEndian.AppendUint64(b, uint64(d.Seq))
	b = append(b, d.Rules[:]...)
	for _, p := range slices.Sorted(maps.Keys(d.Pending)) {
		b = appendString(b, string(p))
	}
	return b
}

func (d *Done) decode(v []byte) error {
	r := reader{b: v}
	d.Seq, d.Rules = replica.Seq(r.num()), r.hash()
	for len(r.b) > 0 && !r.bad {
		d.Pending[replica.Path(r.string())] = true
	}
	return r.end("done")
}
