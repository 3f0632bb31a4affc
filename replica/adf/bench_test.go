package adf

import (
	"strings"
	"testing"
)

// comment is what a person writes: 1.3 KB, 14 nodes.
var comment = doc(p(tx(`(external) Hello `)+`,`+jane+`,`+tx(` the printer is `)+`,`+bold(`still jammed`)+`,`+tx(`.`)) + `,` +
	bullets(item(p(tx(strings.Repeat(`tray two `, 20))))+`,`+item(p(tx(strings.Repeat(`tray three `, 20))))) + `,` +
	p(`{"type":"text","text":"manual","marks":[{"type":"link","attrs":{"href":"https://example.com/manual?page=3"}}]}`))

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(comment)))
	for b.Loop() {
		if _, err := Parse([]byte(comment)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJSON(b *testing.B) {
	d := parse(b, comment)
	b.ReportAllocs()
	for b.Loop() {
		d.JSON()
	}
}

func BenchmarkPlain(b *testing.B) {
	d := parse(b, comment)
	b.ReportAllocs()
	for b.Loop() {
		d.Plain()
	}
}

func BenchmarkCheck(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(comment)))
	for b.Loop() {
		if err := Check([]byte(comment)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPortableFor(b *testing.B) {
	d := parse(b, comment)
	o := Outgoing{
		Person: func(m Mention) (string, string) { return "ref", m.Text },
		Link:   Withhold("acme.atlassian.net"),
		Key:    func(string) Target { return Target{} },
	}
	b.ReportAllocs()
	for b.Loop() {
		d.PortableFor(o)
	}
}

// BenchmarkSplit parts 1 MB.
func BenchmarkSplit(b *testing.B) {
	d := parse(b, doc(strings.TrimSuffix(strings.Repeat(p(tx(strings.Repeat(`word `, 400)))+`,`, 500), ",")))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Split(32_000); err != nil {
			b.Fatal(err)
		}
	}
}
