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
