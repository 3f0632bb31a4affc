package transport

import "strings"

// Check words are made, not listed: 32 first syllables and 64 second ones give 2,048 words of five letters that
// can be read aloud in any language, and every word carries 11 bits. Neighbours differ in more than one sound.

const (
	wordBits  = 11
	wordCount = 4 // 44 bits
)

var (
	firstSounds  = [8]string{"b", "f", "g", "j", "l", "p", "s", "z"}
	firstVowels  = [4]string{"a", "e", "i", "o"}
	secondSounds = [8]string{"d", "k", "m", "n", "r", "t", "v", "l"}
	endings      = [8]string{"al", "en", "ik", "on", "us", "ar", "et", "im"}
)

// word returns word n of the 2,048.
func word(n int) string {
	return firstSounds[n>>8&7] + firstVowels[n>>6&3] + secondSounds[n>>3&7] + endings[n&7]
}

// checkWords shows the first 44 bits of sum as four words.
func checkWords(sum [32]byte) string {
	bits := uint64(sum[0])<<40 | uint64(sum[1])<<32 | uint64(sum[2])<<24 | uint64(sum[3])<<16 | uint64(sum[4])<<8 | uint64(sum[5])
	bits >>= 48 - wordBits*wordCount
	words := make([]string, wordCount)
	for i := range words {
		words[i] = word(int(bits >> (wordBits * (wordCount - 1 - i)) & (1<<wordBits - 1)))
	}
	return strings.Join(words, " ")
}

// sameWords compares what a person typed with the words shown: case, commas, dashes and spaces do not matter.
func sameWords(typed, shown string) bool {
	plain := func(s string) string {
		return strings.Join(strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
			return r == ' ' || r == ',' || r == '-' || r == '\t' || r == '\n' || r == '\r'
		}), " ")
	}
	return shown != "" && plain(typed) == plain(shown)
}
