package hint

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"
)

// Secret is one that a sender may use.
type Secret struct {
	Value string
	Until time.Time // when it ends; zero: it does not. Set for the one before a rotation
}

// Header bears the word of a sender that cannot sign: automation's "Send web
// request" sends fixed headers only.
const Header = "X-Parley-Secret"

// Word is what a sender that cannot sign puts into Header. It is derived, so
// that who may edit an automation rule does not learn what signs webhooks.
func Word(secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("parley automation"))
	return hex.EncodeToString(mac.Sum(nil))
}

// Sign is the value of X-Hub-Signature for a body, as Jira makes it.
func Sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// proof is what a request brings to show where it comes from.
type proof struct {
	sum    []byte // of X-Hub-Signature
	word   string
	signed bool
}

// proofOf reads a request's headers; false where they can prove nothing.
// The algorithm stands in the signature itself; only sha256 is taken.
func proofOf(h http.Header, unsigned bool) (p proof, ok bool) {
	if s := h.Get("X-Hub-Signature"); s != "" {
		text, is := strings.CutPrefix(s, "sha256=")
		sum, err := hex.DecodeString(text)
		return proof{sum: sum, signed: true}, is && err == nil && len(sum) == sha256.Size
	}
	p.word = h.Get(Header)
	return p, p.word != "" || unsigned
}

// by tells which of the secrets the proof was made with: its place, -1 for
// none. Every secret that is valid now is tried, so the time taken tells
// nothing.
func (p proof) by(secrets []Secret, body []byte, now time.Time) int {
	found := -1
	for i, s := range secrets {
		if s.Value == "" || !s.Until.IsZero() && now.After(s.Until) {
			continue
		}
		var fits bool
		if p.signed {
			mac := hmac.New(sha256.New, []byte(s.Value))
			mac.Write(body)
			fits = hmac.Equal(mac.Sum(nil), p.sum)
		} else {
			fits = hmac.Equal([]byte(Word(s.Value)), []byte(p.word))
		}
		if fits && found < 0 {
			found = i
		}
	}
	return found
}
