package notify

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"
)

// What was stored may be damaged: it is read without panic into something that
// works, and what is read is stored the same again.
func FuzzBook(f *testing.F) {
	channels := []Channel{{Name: "ops"}, {Name: "desk", Apart: true}}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	k, err := readBook(nil, channels)
	if err != nil {
		f.Fatal(err)
	}
	k.see(at, []Notice{ailing("a", Urgent), ailing("b", Warning)})
	k.Pages["ops"].gather(at, k, channels[0])
	k.Pages["desk"].gather(at, k, channels[1])
	whole, err := json.Marshal(k)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte(`{"troubles":{"a":null,"b":{}},"pages":{"ops":null,"desk":{"waiting":{"a":null,"b":{"id":"x","items":[{}]}}}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := readBook(b, channels)
		if err != nil && len(k.Troubles) > 0 {
			t.Fatal("troubles of a book that could not be read")
		}
		once, err := json.Marshal(k)
		if err != nil {
			t.Skip() // a time beyond the year 9999
		}
		again, err := readBook(once, channels)
		if err != nil {
			t.Fatal(err)
		}
		if twice, err := json.Marshal(again); err != nil || string(twice) != string(once) {
			t.Fatalf("%s\nbecame\n%s (%v)", once, twice, err)
		}
		at := at
		for range 3 {
			at = at.Add(time.Hour)
			k.see(at, []Notice{ailing("a", Urgent)})
			k.settle(at, channels)
			for _, c := range channels {
				p := k.Pages[c.Name]
				p.gather(at, k, c)
				if about, m := p.due(at.Add(time.Hour*1e6), c); m != nil {
					p.delivered(at, about, m, "")
				}
			}
		}
	})
}

func FuzzTidy(f *testing.F) {
	f.Add("a\r\nb\x00\u202e\xff", 3)
	f.Fuzz(func(t *testing.T, s string, most int) {
		most = 2 + (most&0x7fffffff)%300
		got := tidy(s, most)
		if len([]rune(got)) > most || strings.ContainsFunc(got, unicode.IsControl) || tidy(got, most) != got {
			t.Errorf("%q became %q", s, got)
		}
	})
}
