package hint

import (
	"net/http"
	"testing"
	"time"
)

// FuzzProof brings arbitrary headers with a body: nothing proves a secret but its
// signature of these bytes, or its word.
func FuzzProof(f *testing.F) {
	secrets := []Secret{{Value: "old", Until: time.UnixMilli(1)}, {Value: "s3cret"}}
	body := []byte(`{"webhookEvent":"x"}`)
	f.Add(Sign("s3cret", body), "", body)
	f.Add(Sign("old", body), "", body)
	f.Add("", Word("s3cret"), body)
	f.Add("sha256=00", "", body)
	f.Add("sha1=0000000000000000000000000000000000000000", "x", body)
	f.Fuzz(func(t *testing.T, signature, word string, body []byte) {
		h := http.Header{}
		h.Set("X-Hub-Signature", signature)
		h.Set(Header, word)
		p, ok := proofOf(h, false)
		if !ok {
			return
		}
		switch by := p.by(secrets, body, time.UnixMilli(1_760_000_000_000)); {
		case by == 0:
			t.Error("a secret that has ended proves something")
		case by == 1 && signature == "" && word != Word("s3cret") && word != "s3cret":
			t.Errorf("the word %q proves it", word)
		case by == 1 && signature != "" && !sameSignature(signature, Sign("s3cret", body)):
			t.Errorf("the signature %q proves it", signature)
		}
	})
}

// sameSignature compares two in any case of their hexadecimal digits.
func sameSignature(a, b string) bool {
	lower := func(s string) string {
		out := []byte(s)
		for i, c := range out {
			if c >= 'A' && c <= 'F' {
				out[i] = c + 'a' - 'A'
			}
		}
		return string(out)
	}
	return lower(a) == lower(b)
}
