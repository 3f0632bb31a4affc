package adf

import (
	"errors"
	"testing"
)

// TestCheckIsAtlassians: an error for each document that Atlassian's schema refuses, none for another.
func TestCheckIsAtlassians(t *testing.T) {
	invalid, unknown := 0, 0
	for _, s := range samples(t) {
		err := Check(s.ADF)
		if (err == nil) != s.Valid {
			t.Errorf("%s: %v, and the schema says %v: %s", s.ID, err, s.Valid, s.ADF)
		}
		if err == nil {
			continue
		}
		invalid++
		if flaw := (*Flaw)(nil); errors.As(err, &flaw) && flaw.Unknown {
			unknown++
		} else if flaw == nil && !errors.Is(err, ErrNotADF) {
			t.Errorf("%s: an error of neither sort: %v", s.ID, err)
		}
	}
	if invalid != 203 || unknown != 33 {
		t.Errorf("%d invalid, %d of them for something unknown alone, want 203 and 33", invalid, unknown)
	}
}

// TestCheckSaysWhere: a flaw names the place and the sort, and no text.
func TestCheckSaysWhere(t *testing.T) {
	for in, want := range map[string]Flaw{
		doc(p(``) + `,` + bullets(p(tx(`secret`)))):      {Path: "/1/0", Reason: "paragraph may not stand in bulletList"},
		doc(p(`{"type":"hologram","text":"secret"}`)):    {Path: "/0/0", Reason: "a node of an unknown type", Unknown: true},
		doc(p(`{"type":"hologram"}`) + `,` + p(tx(``))):  {Path: "/1/0", Reason: "text is empty"},
		doc(p(`{"type":"mention","attrs":{"ref":"r"}}`)): {Path: "/0/0", Reason: "the id of mention is missing or has a wrong value"},
		`{"type":"doc","content":[]}`:                    {Reason: "version is not 1"},
	} {
		var flaw *Flaw
		if err := Check([]byte(in)); !errors.As(err, &flaw) || *flaw != want {
			t.Errorf("%s: %+v", in, err)
		}
	}
}

// TestStaysValid: what Jira takes is still taken in canonical and in portable form.
func TestStaysValid(t *testing.T) {
	for _, s := range samples(t) {
		if !s.Valid {
			continue
		}
		d := parse(t, string(s.ADF))
		for what, out := range map[string]*Doc{"canonical": d, "portable": d.Portable(), "with a byline": d.Prepend("Jane:"), "local": d.Local(Incoming{})} {
			if err := Check(out.JSON()); err != nil {
				t.Errorf("%s, %s: %v: %s", s.ID, what, err, out.JSON())
			}
		}
	}
}
