package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/jsm"
	"parley/replica"
)

// file is a file of a ticket; public ones are shown by a comment.
func file(id, name string, size int64, public bool) jsm.Attachment {
	a := jsm.Attachment{ID: id, Name: name, Size: size, MIME: "image/png", Author: jsm.Person{Name: "Jane Doe", Email: "jane@acme.example"}, Created: t0.Add(time.Hour)}
	if public {
		a.Shown, a.Comment = jsm.ByComment, "1"
	}
	return a
}

// sumOf knows every file's hash but those of files called "unread".
func sumOf(a jsm.Attachment) (replica.Hash, bool, *Held) {
	return replica.Hash{a.ID[0]}, a.Name != "unread", nil
}

func shownFiles(view replica.View) (list []string) {
	for p, it := range view {
		if a, ok := AttachmentOf(it); ok {
			list = append(list, fmt.Sprintf("%s %s %t", p.Element(), a.Name, a.Public))
		}
	}
	slices.Sort(list)
	return list
}

func TestAttachmentsLeave(t *testing.T) {
	tk := ticket(nil)
	early := file("6", "early.png", 10, true)
	early.Created = t0.Add(10 * time.Minute)
	form := file("7", "form.png", 10, true)
	form.Created = t0.Add(5 * time.Second)
	tk.Attachments = []jsm.Attachment{file("1", "a.png", 1000, true), file("2", "B.EXE. ", 2000, true), file("3", "c.txt", 3<<20, false),
		file("4", "ours.png", 10, true), file("5", "unread", 10, true), early, form}
	for _, c := range []struct{ name, rules, policy, want string }{
		{"public ones by the plain word", `[outgoing]` + "\n" + `share = ["attachments"]`, "", "1 a.png true, 2 B.EXE.  true, 7 form.png true"},
		{"internal ones by theirs", `[outgoing]` + "\n" + `share = ["attachments.internal"]`, "", "3 c.txt false"},
		{"none unnamed", `[outgoing]` + "\n" + `share = ["summary"]`, "", ""},
		{"max", "[outgoing.attachments]\nmax = \"1 KiB\"", "", "1 a.png true, 7 form.png true"},
		{"when by name and size", "[outgoing.attachments]\nwhen = 'attachment.name.endsWith(\".png\") && attachment.size > 100'", "", "1 a.png true"},
		{"when by type, author and public", "[outgoing.\"attachments.internal\"]\nwhen = 'attachment.type == \"image/png\" && attachment.author in [\"jane@acme.example\"] && !attachment.public'", "", "3 c.txt false"},
		{"an error is not sent", "[outgoing.attachments]\nwhen = 'attachment.author.alias == \"x\"'", "", ""},
		{"policy denies a name in any case, whatever dots it ends in", `[outgoing]` + "\n" + `share = ["attachments"]`, "[attachments]\ndeny = [\"*.exe\"]", "1 a.png true, 7 form.png true"},
		{"policy max", `[outgoing]` + "\n" + `share = ["attachments", "attachments.internal"]`, "[attachments]\nmax = \"1 MiB\"", "1 a.png true, 2 B.EXE.  true, 7 form.png true"},
		{"policy never", `[outgoing]` + "\n" + `share = ["attachments", "attachments.internal"]`, "[never]\nitems = [\"attachments\"]", "3 c.txt false"},
		{"a budget of the ticket", "[outgoing]\nshare = [\"attachments\"]\n[limits]\nbytes_per_ticket = \"2 KiB\"", "", "1 a.png true, 7 form.png true"},
	} {
		view, _ := compileUnder(t, c.rules, c.policy).View(Local{Ticket: tk, Twins: map[string]bool{"attachment/4": true}, Since: t0.Add(30 * time.Minute), Sum: sumOf})
		if got := strings.Join(shownFiles(view), ", "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestWhatWasSharedOfAFileStays(t *testing.T) {
	const rules = "[outgoing]\nshare = [\"attachments\"]"
	tk := ticket(nil)
	tk.Attachments = []jsm.Attachment{file("1", "a.png", 1000, true)}
	first, _ := compile(t, rules).View(Local{Ticket: tk, Sum: sumOf})
	for _, c := range []struct {
		name, rules string
		change      func(a *jsm.Attachment)
		gone        bool
		want        int
	}{
		{"unchanged", rules, func(*jsm.Attachment) {}, false, 1},
		{"no comment shows it any more", rules, func(a *jsm.Attachment) { a.Shown = jsm.Unproven }, false, 1},
		{"it does not pass any more", "[outgoing.attachments]\nmax = \"1 B\"", func(*jsm.Attachment) {}, false, 1},
		{"likewise, with retract", "[outgoing.attachments]\nmax = \"1 B\"\nretract = true", func(*jsm.Attachment) {}, false, 0},
		{"deleted", rules, nil, true, 0},
	} {
		now := ticket(nil)
		if !c.gone {
			a := tk.Attachments[0]
			c.change(&a)
			now.Attachments = []jsm.Attachment{a}
		}
		r := compile(t, c.rules)
		view, _ := r.View(Local{Ticket: now, Posted: first, Sum: func(jsm.Attachment) (replica.Hash, bool, *Held) {
			t.Error("it is hashed again")
			return replica.Hash{}, false, nil
		}})
		if len(view) != c.want {
			t.Errorf("%s: %v", c.name, view)
		}
		if c.want == 1 && view.Hash() != first.Hash() {
			t.Errorf("%s: it is another item now", c.name)
		}
	}
}

func remoteFile(name string, size int64, public bool) replica.Attachment {
	return replica.Attachment{Name: name, Size: size, MIME: "image/png", Hash: replica.Hash{1}, Public: public, Author: replica.Person{Name: "Jane Doe", Company: "Globex"}, Created: replica.Time(t0.UnixMilli())}
}

func TestAttachmentsArrive(t *testing.T) {
	for _, c := range []struct {
		name, rules, policy string
		a                   replica.Attachment
		want                string // "" nothing, else internal or public
		held                string // code
	}{
		{"internal by default", "[incoming]\naccept = [\"attachments\"]", "", remoteFile("a", 1, true), "internal", ""},
		{"same", "[incoming.attachments]\nas = \"same\"", "", remoteFile("a", 1, true), "public", ""},
		{"same, internal", "[incoming.attachments]\nas = \"same\"", "", remoteFile("a", 1, false), "internal", ""},
		{"public", "[incoming.attachments]\nas = \"public\"", "", remoteFile("a", 1, false), "public", ""},
		{"policy keeps it internal", "[incoming.attachments]\nas = \"public\"", "[arrive]\ncomments = \"internal\"", remoteFile("a", 1, true), "internal", ""},
		{"its own table", "[incoming.attachments]\nas = \"public\"\n[incoming.\"attachments.internal\"]", "", remoteFile("a", 1, false), "internal", ""},
		{"not named", "[incoming]\naccept = [\"summary\"]", "", remoteFile("a", 1, true), "", ""},
		{"not let in", "[incoming.attachments]", "[arrive]\nitems = [\"summary\"]", remoteFile("a", 1, true), "", Dropped},
		{"internal ones are let in with the others", "[incoming.\"attachments.internal\"]", "[arrive]\nitems = [\"attachments\"]", remoteFile("a", 1, false), "internal", ""},
		{"denied", "[incoming.attachments]", "[attachments]\ndeny = [\"*.exe\"]", remoteFile("x/Setup.ExE ", 1, true), "", Dropped},
		{"denied under the name that it would have here", "[incoming.attachments]", "[attachments]\ndeny = [\"*.exe\"]", remoteFile("setup.ex\u202ee", 1, true), "", Dropped},
		{"too large for the policy", "[incoming.attachments]", "[attachments]\nmax = \"1 KiB\"", remoteFile("a", 1025, true), "", Dropped},
		{"too large for the rule", "[incoming.attachments]\nmax = \"1 KiB\"", "", remoteFile("a", 1025, true), "", ""},
		{"when", "[incoming.attachments]\nwhen = 'attachment.author.company == \"Globex\"'", "", remoteFile("a", 1, true), "internal", ""},
		{"not when", "[incoming.attachments]\nwhen = 'attachment.size > 10'", "", remoteFile("a", 1, true), "", ""},
		{"an error waits", "[incoming.attachments]\nwhen = 'attachment.author.email == \"x\"'", "", remoteFile("a", 1, true), "", Expression},
		{"over the budget", "[incoming]\naccept = [\"attachments\"]\n[limits]\nbytes_per_ticket = \"1 KiB\"", "", remoteFile("a", 1025, true), "", Budget},
	} {
		p := compileUnder(t, c.rules, c.policy).Plan(arrive(ticket(nil), items{"attachment/5": c.a}))
		got := ""
		for _, w := range p.Attachments {
			got = map[bool]string{true: "public", false: "internal"}[w.Public]
		}
		code := ""
		for _, h := range p.Held {
			code = h.Code
		}
		if got != c.want || code != c.held {
			t.Errorf("%s: %q held %q, want %q held %q", c.name, got, code, c.want, c.held)
		}
	}
}

func TestAttachmentsThatGoAtTheirOrigin(t *testing.T) {
	for _, c := range []struct {
		name, rules, twin string
		want              string
	}{
		{"our copy goes", "[incoming.attachments]", "attachment/9", "detach 9"},
		{"noted", "[incoming.attachments]\ndeletes = \"mark\"", "attachment/9", "note a.png was deleted at globex"},
		{"ignored", "[incoming.attachments]\ndeletes = \"ignore\"", "attachment/9", ""},
		{"it was deleted here before", "[incoming.attachments]", "attachment/8", ""},
		{"never ours", "[incoming.attachments]", "", ""},
		{"not named any more", "[incoming]\naccept = [\"summary\"]", "attachment/9", ""},
	} {
		tk := ticket(nil)
		tk.Attachments = []jsm.Attachment{file("9", "a.png", 1, true), file("10", "theirs.png", 1, true)}
		in := arrive(tk, items{})
		in.Changed = []replica.Path{"attachment/5"}
		in.Twin = func(replica.Path) (string, bool) { return c.twin, c.twin != "" }
		p := compile(t, c.rules).Plan(in)
		got := ""
		for _, w := range p.Attachments {
			got += string(w.Op) + " " + w.LocalID
		}
		for _, w := range p.Comments {
			got += string(w.Op) + " " + shown(replica.Rich(w.Body))
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestAFileIsWrittenOnce(t *testing.T) {
	tk := ticket(nil)
	tk.Attachments = []jsm.Attachment{file("9", "a.png", 1, true)}
	in := arrive(tk, items{"attachment/5": remoteFile("a.png", 1, true), "attachment/6": remoteFile("a.png", 1, true)})
	in.Twin = func(p replica.Path) (string, bool) { return "attachment/9", p == "attachment/5" }
	p := compile(t, "[incoming]\naccept = [\"attachments\"]").Plan(in)
	if len(p.Attachments) != 1 || p.Attachments[0].Path != "attachment/6" {
		t.Errorf("%+v", p.Attachments)
	}
}
