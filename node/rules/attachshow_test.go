package rules

import (
	"strings"
	"testing"

	"parley/jsm"
	"parley/replica"
	"parley/replica/adf"
)

// TestAFileTurnedPublicIsShown: a file of the peer's that is here for agents only, and that its customers see by now.
func TestAFileTurnedPublicIsShown(t *testing.T) {
	const same = "[incoming.attachments]\nas = \"same\"\n"
	shows := jsm.Rich(adf.File("media-9", "plan.png").JSON())
	internal := func(c jsm.Comment) jsm.Comment { c.Public = false; return c }
	open := jsm.Comment{ID: "70", Public: true, VisibilityKnown: true, Body: shows}
	for _, c := range []struct {
		name, rules, policy string
		theirs              bool
		media, echo         string
		said                []jsm.Comment
		want                string // of the comment that shows it; else the code that is held, or why nothing is done
	}{
		{"one comment names it", same, "", true, "media-9", "", nil, "public: Jane Doe, Globex:\n📎 1 File"},
		{"without a byline", same + "byline = false", "", true, "media-9", "", nil, "public: 📎 1 File"},
		{"it is internal there, too", same, "", false, "media-9", "", nil, ""},
		{"the rule keeps it internal", "[incoming.attachments]", "", true, "media-9", "", nil, ""},
		{"so does the policy", same, "[arrive]\ncomments = \"internal\"", true, "media-9", "", nil, ""},
		{"the policy denies it", same, "[attachments]\ndeny = [\"*.png\"]", true, "media-9", "", nil, Dropped},
		{"public ones are not taken", "[incoming.\"attachments.internal\"]\nas = \"public\"", "", true, "media-9", "", nil, ""},
		{"it is too large to be public", same + "max = \"1 B\"", "", true, "media-9", "", nil, "it is larger than 1 B"},
		{"when does not hold", same + "when = '!attachment.public'", "", true, "media-9", "", nil, "when does not hold"},
		{"a public comment shows it", same, "", true, "media-9", "", []jsm.Comment{open}, "a public comment shows it"},
		{"an internal one is nothing to the customer", same, "", true, "media-9", "", []jsm.Comment{internal(open)}, "public: Jane Doe, Globex:\n📎 1 File"},
		{"it is shown already", same, "", true, "media-9", "70", []jsm.Comment{open}, ""},
		{"somebody deleted what showed it", same, "", true, "media-9", "70", nil, ""},
		{"somebody hid what showed it", same, "", true, "media-9", "70", []jsm.Comment{internal(open)}, Visibility},
		{"the customer has seen it", "[incoming.attachments]", "", true, "media-9", "70", []jsm.Comment{open}, customerSaw},
		{"no text can name it", same, "", true, "", "", nil, Visibility},
	} {
		tk := ticket(nil)
		tk.Attachments = []jsm.Attachment{file("9", "plan.png", 10, false)}
		tk.Comments = c.said
		in := arrive(tk, items{"attachment/5": remoteFile("plan.png", 10, c.theirs)})
		in.Twin = func(p replica.Path) (string, bool) {
			switch p {
			case "attachment/5":
				return "attachment/9", true
			case "attachment/5" + EchoInfix:
				return c.echo, c.echo != ""
			}
			return "", false
		}
		r := compileUnder(t, c.rules, c.policy)
		if wanted := r.FilesWanted(in); c.media != "" && len(wanted) > 0 {
			in.Files = map[string]string{wanted[0]: c.media}
		}
		p := r.Plan(in)
		got := ""
		for _, d := range p.Decisions {
			got = d.Why
		}
		for _, h := range p.Held {
			got = h.Code
		}
		for _, w := range p.Comments {
			doc, err := adf.Parse(w.Body)
			if err != nil || adf.Check(w.Body) != nil || w.Op != ShowFile || w.Path != "attachment/5" || len(doc.Media()) != 1 || doc.Media()[0].ID != "media-9" {
				t.Errorf("%s: %+v", c.name, w)
			}
			got = map[bool]string{true: "public: ", false: "internal: "}[w.Public] + strings.TrimSpace(doc.Plain())
		}
		if got != c.want || len(p.Attachments) > 0 {
			t.Errorf("%s: %q and %d files, want %q", c.name, got, len(p.Attachments), c.want)
		}
	}
}
