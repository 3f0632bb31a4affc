package transport

import (
	"crypto/sha256"
	"regexp"
	"strings"
	"testing"
)

func TestWordsAreManyAndDistinct(t *testing.T) {
	pronounceable := regexp.MustCompile(`^[bfgjlpsz][aeio][dkmnrtvl][aeiou][a-z]$`)
	all := map[string]bool{}
	for n := range 1 << wordBits {
		w := word(n)
		if all[w] || !pronounceable.MatchString(w) {
			t.Errorf("word %d is %q", n, w)
		}
		all[w] = true
	}
}

func TestWordsShowFortyFourBits(t *testing.T) {
	var sum [32]byte
	base := checkWords(sum)
	for bit := range 48 {
		s := sum
		s[bit/8] ^= 0x80 >> (bit % 8)
		if differ := checkWords(s) != base; differ != (bit < 44) {
			t.Errorf("bit %d shows: %v", bit, differ)
		}
	}
	if n := len(strings.Fields(checkWords(sha256.Sum256([]byte("x"))))); n != 4 {
		t.Errorf("%d words", n)
	}
}

func TestWordsCompareAsTyped(t *testing.T) {
	const shown = "badal besik fonar zilim"
	for typed, same := range map[string]bool{
		shown: true, " Badal, besik\tFONAR-zilim\n": true,
		"badal besik fonar": false, "badal besik fonar zilen": false, "": false, "besik badal fonar zilim": false,
	} {
		if sameWords(typed, shown) != same {
			t.Errorf("%q: %v", typed, !same)
		}
	}
	if sameWords("", "") {
		t.Error("no words match no words")
	}
}
