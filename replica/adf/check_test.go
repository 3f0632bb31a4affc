package adf

import (
	"errors"
	"slices"
	"strings"
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
	if invalid != 203 || unknown != 22 {
		t.Errorf("%d invalid, %d of them for something unknown alone, want 203 and 22", invalid, unknown)
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
		doc(`{"type":"paragraph","hidden":"secret"}`):    {Path: "/0", Reason: "paragraph has a member that no node has"},
		doc(`{"type":"applicationCard","attrs":{}}`):     {Path: "/0", Reason: "applicationCard is no node of Jira's any more"},
		doc(`{"type":"mediaGroup","content":[{"type":"media","attrs":{"type":"file","id":"2","collection":"c"},"marks":[{"type":"border","attrs":{"size":1,"color":"#00000024"},"secret":1}]}]}`): {Path: "/0/0", Reason: "the mark border has a member that no mark has"},
	} {
		var flaw *Flaw
		if err := Check([]byte(in)); !errors.As(err, &flaw) || *flaw != want {
			t.Errorf("%s: %+v", in, err)
		}
	}
}

// TestMembersAreFew: every node and mark that Atlassian's schema defines is made of the same few members, so that another
// one is nothing that a newer schema allows.
func TestMembersAreFew(t *testing.T) {
	definitions := atlassians(t).definitions
	var look func(name string, rule any)
	look = func(name string, rule any) {
		r, _ := rule.(map[string]any)
		members, _ := r["properties"].(map[string]any)
		allowed := []string{"type", "attrs", "content", "marks", "text", "version"}
		if strings.HasSuffix(name, "_mark") {
			allowed = allowed[:2]
		}
		for member := range members {
			if !slices.Contains(allowed, member) {
				t.Errorf("%s has a member %s", name, member)
			}
		}
		for _, word := range []string{"allOf", "anyOf"} {
			list, _ := r[word].([]any)
			for _, part := range list {
				look(name, part)
			}
		}
	}
	for name, rule := range definitions {
		look(name, rule)
	}
	for _, kind := range retired {
		if definitions[kind+"_node"] != nil {
			t.Errorf("the schema has %s", kind)
		}
	}
	if len(definitions) != 84 {
		t.Errorf("%d definitions, want 84", len(definitions))
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
