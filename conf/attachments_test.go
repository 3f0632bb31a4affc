package conf

import (
	"strings"
	"testing"
)

func TestWordsOfAttachments(t *testing.T) {
	const top = "peer = \"globex\"\nproject = \"S\"\n"
	r, err := parseRules(t, top+"[outgoing]\nshare = [\"attachments\"]\n[outgoing.\"attachments.internal\"]\nmax = \"5 MiB\"\nretract = true\n"+
		"[incoming.attachments]\nas = \"same\"\nmax = \"2 KiB\"\n[incoming.\"attachments.internal\"]\ndeletes = \"mark\"\n[limits]\nbytes_per_ticket = \"1 GiB\"\nbytes_per_day = \"10 GiB\"")
	if err != nil {
		t.Fatal(err)
	}
	out, in := r.Outgoing.Items(), r.Incoming.Items()
	if len(out) != 2 || out[0].Deletes.Value != "origin" || out[1].Max != 5<<20 || !out[1].Retract.Value {
		t.Errorf("outgoing: %+v", out)
	}
	if len(in) != 2 || in[0].As.Value != "same" || in[0].Max != 2<<10 || in[0].Deletes.Value != "origin" || in[1].Deletes.Value != "mark" {
		t.Errorf("incoming: %+v", in)
	}
	if r.Limits.BytesPerTicket != 1<<30 || r.Limits.BytesPerDay != 10<<30 {
		t.Errorf("limits: %+v", r.Limits)
	}
	for text, want := range map[string]string{
		"[incoming.attachments]\nedits = \"follow\"":     "unknown word \"edits\"",
		"[incoming.attachments]\nmax = \"5 MB\"":         "is not a size",
		"[incoming.attachments]\ndeletes = \"delete\"":   "is not a choice",
		"[outgoing.attachments]\nas = \"public\"":        "unknown word \"as\"",
		"[outgoing.attachments.internal]\nmax = \"1 B\"": "unknown word \"internal\"",
		"[limits]\nbytes_per_day = 5":                    "must be a string",
	} {
		if _, err := parseRules(t, top+text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestPolicyOfAttachments(t *testing.T) {
	p, err := ParsePolicy("policy.toml", []byte("[attachments]\nmax = \"25 MiB\"\ndeny = [\"*.exe\", \"core.*\"]"))
	if err != nil || p.Attachments.Max != 25<<20 {
		t.Fatalf("%+v, %v", p, err)
	}
	for name, denied := range map[string]bool{"a.exe": true, "A.Exe": true, "a.exe. .": true, "core.77": true, "a.exe.txt": false, "score.1": false, "": false} {
		if _, got := p.Attachments.Denies(name); got != denied {
			t.Errorf("%q is denied: %t", name, got)
		}
	}
	for _, bad := range []string{`deny = ["["]`, `deny = ["a/b"]`, `deny = [""]`, `max = "much"`} {
		if _, err := ParsePolicy("policy.toml", []byte("[attachments]\n"+bad)); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

func TestSizeText(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1 KiB", 1025: "2 KiB", 5 << 20: "5 MiB", 3 << 30: "3 GiB"} {
		if got := SizeText(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
