package replica

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

func TestCheckTakesCanonicalForms(t *testing.T) {
	for what, in := range map[string]string{
		"zero": "00", "127": "7f", "128": "cc80", "256": "cd0100", "65536": "ce00010000", "2^32": "cf0000000100000000",
		"-1": "ff", "-32": "e0", "-33": "d0df", "-128": "d080", "-129": "d1ff7f", "-32769": "d2ffff7fff",
		"-2^31-1": "d3ffffffff7fffffff", "-2^63": "d38000000000000000",
		"nil": "c0", "false": "c2", "true": "c3", "no text": "a0", "text": "a3616263",
		"32 of text": "d920" + strings.Repeat("61", 32), "256 of text": "da0100" + strings.Repeat("61", 256),
		"binary": "c40101", "no binary": "c400", "list": "93010203", "list of 16": "dc0010" + strings.Repeat("00", 16),
		"map": "82a16101a16202", "map whose keys grow": "83a001a16102a2616103", "lists in a map": "81a1619190",
		"map of 16": "de0010" + pairs(16),
	} {
		if err := Check(unhex(t, in)); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// pairs are n keys with 0 behind each.
func pairs(n int) string {
	var out strings.Builder
	for i := range n {
		out.WriteString("a1" + hex.EncodeToString([]byte{byte('a' + i)}) + "00")
	}
	return out.String()
}

func TestCheckRefuses(t *testing.T) {
	for what, in := range map[string]string{
		"nothing":                             "",
		"127 in two bytes":                    "cc7f",
		"255 in three bytes":                  "cd00ff",
		"65535 in five bytes":                 "ce0000ffff",
		"2^32-1 in nine bytes":                "cf00000000ffffffff",
		"-1 in two bytes":                     "d0ff",
		"-128 in three bytes":                 "d1ff80",
		"-32768 in five bytes":                "d2ffff8000",
		"-2^31 in nine bytes":                 "d3ffffffff80000000",
		"1 as a signed number":                "d001",
		"128 as a signed number":              "d10080",
		"short text with a long head":         "d90161",
		"255 of text with a long head":        "da00ff" + strings.Repeat("61", 255),
		"short binary with a long head":       "c50001" + "61",
		"list of 15 with a long head":         "dc000f" + strings.Repeat("00", 15),
		"map of 1 with a long head":           "de0001a16100",
		"text that is not UTF-8":              "a1ff",
		"surrogate in text":                   "a3eda080",
		"float":                               "ca00000000",
		"double":                              "cb0000000000000000",
		"extension":                           "d40000",
		"long extension":                      "c70100",
		"time":                                "d6ff00000000",
		"unused code":                         "c1",
		"number as a key":                     "810101",
		"binary as a key":                     "81c4016101",
		"same key twice":                      "82a16101a16101",
		"keys falling":                        "82a16201a16101",
		"longer key before its prefix":        "82a2616101a16101",
		"text cut short":                      "a36162",
		"number cut short":                    "cd01",
		"head cut short":                      "da01",
		"list cut short":                      "9201",
		"map without its last value":          "81a161",
		"bytes after the value":               "0000",
		"34 GB of list in five bytes":         "ddffffffff",
		"a map of 2^32 in five bytes":         "dfffffffff",
		"4 GB of binary":                      "c6ffffffff00",
		"4 GB of text":                        "dbffffffff00",
		"list longer than the bytes at hand":  "dc00ff" + strings.Repeat("00", 200),
		"map that only half fits":             "de0010" + pairs(15),
		"33 lists in each other":              strings.Repeat("91", 33) + "00",
		"33 maps in each other":               strings.Repeat("81a161", 33) + "00",
		"20 MB of lists in each other":        strings.Repeat("91", 20<<20),
		"a deep list behind a shallow one":    "9290" + strings.Repeat("91", 32) + "00",
		"keys out of order in a nested map":   "9182a16200a16100",
		"keys out of order behind a long one": "82d920" + strings.Repeat("62", 32) + "00a16100",
	} {
		err := Check(unhex(t, in))
		var at *FormatError
		if !errors.As(err, &at) || !errors.Is(err, ErrMalformed) || at.Reason == "" {
			t.Errorf("%s: error %v, want a FormatError", what, err)
		}
	}
}

func TestCheckBoundsTheNumberOfValues(t *testing.T) {
	in := append([]byte{0xdd, 0x00, 0x40, 0x00, 0x00}, bytes.Repeat([]byte{0}, maxNodes)...)
	if err := Check(in); err == nil {
		t.Error("a list of 4,194,304 values passes, with its head one too many")
	}
	in = append([]byte{0xdd, 0x00, 0x3f, 0xff, 0xff}, bytes.Repeat([]byte{0}, maxNodes-1)...)
	if err := Check(in); err != nil {
		t.Errorf("the longest list: %v", err)
	}
}

func TestCheckSaysWhere(t *testing.T) {
	var at *FormatError
	if err := Check(unhex(t, "82a16101a16101")); !errors.As(err, &at) || at.Offset != 4 {
		t.Errorf("offset of the second key: %v", err)
	}
}

func TestCheckNeedsNoMemory(t *testing.T) {
	in := encoded(t, largeReplica(t))
	if n := testing.AllocsPerRun(100, func() { _ = Check(in) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
