package rules

import (
	"strings"
	"testing"

	"parley/jsm"
	"parley/replica"
)

// What TestTheWholeTicketArrives has found, each as a plain example.

func TestANumberOfThePeersIsNoIdHere(t *testing.T) {
	in := arrive(ticket(nil), items{"view:code": replica.Text("10017"), "view:codes": replica.List{replica.Text("10017")}})
	const rules = "[incoming.\"field:Impact\"]\nfrom = \"view:code\"\n%[incoming.\"field:Teams\"]\nfrom = \"view:codes\"\n"
	p := compile(t, strings.Replace(rules, "%", "", 1)).Plan(in)
	if len(p.Edit.Set)+len(p.Edit.Add) != 0 || len(p.Held) != 2 || p.Held[0].Code != Refused {
		t.Errorf("%+v %+v", p.Edit, p.Held)
	}
	p = compile(t, strings.Replace(rules, "%", "map = { 10017 = \"20001\" }\n", 1)).Plan(in) // our own rules may say one
	if o, _ := p.Edit.Set["customfield_1"].(jsm.Option); o.ID != "20001" {
		t.Errorf("%+v %+v", p.Edit, p.Held)
	}
}

func TestAListOfWhichAMapLeavesNothingIsNone(t *testing.T) {
	v, _ := compile(t, "[outgoing.\"field:Teams\"]\nmap = { Red = \"R\" }\notherwise = \"skip\"\n").View(local(ticket(map[string]string{"customfield_4": `[{"value":"Blue"}]`})))
	if len(v) != 0 {
		t.Errorf("it is sent: %v", v)
	}
	r := compile(t, "[incoming.\"field:Contract reference\"]\nfrom = \"field:Teams\"\nmap = { Red = \"R\" }\notherwise = \"skip\"\n")
	if p := r.Plan(arrive(ticket(map[string]string{"customfield_2": `"ours"`}), items{"field:Teams": replica.List{replica.Option{Name: "Blue"}}})); !p.Empty() {
		t.Errorf("ours is not kept: %+v", p.Edit)
	}
}

func TestALineIsMeasuredAsJiraMeasures(t *testing.T) {
	in := arrive(ticket(nil), items{"summary": replica.Text(strings.Repeat("🙂", 128)), "label/" + replica.Path(strings.Repeat("🙂", 60)): replica.Text("")})
	p := compile(t, "[incoming]\naccept = [\"summary\", \"labels\"]").Plan(in)
	if len(p.Held) != 1 || p.Held[0].Path != "summary" || p.Edit.Set["summary"] != nil {
		t.Errorf("%+v %+v", p.Held, p.Edit.Set)
	}
	for _, s := range []string{cut(strings.Repeat("🙂", 128), maxLine), cut("x"+strings.Repeat("🙂", 127), maxLine)} {
		if units(s) > maxLine || units(s) < maxLine-2 {
			t.Errorf("%d units", units(s))
		}
	}
}

// deskAlone finds one account behind every address, and says that customers are among them.
func deskAlone(in Arrival) Arrival {
	in.Person = func(mail string) (jsm.Person, bool) {
		switch mail {
		case "desk@acme.example":
			return jsm.Person{AccountID: "desk", Name: "Desk", Active: true}, true
		case "carla@both.example":
			return jsm.Person{AccountID: "qm:1", Type: "customer", Active: true}, true
		}
		return jsm.Person{}, false
	}
	return in
}

const deskStandsIn = "[people]\nmatch = \"email\"\nelse = { user = \"desk@acme.example\" }\n"

func TestTwoWhoAreOneHereAreWrittenOnce(t *testing.T) {
	in := deskAlone(arrive(ticket(nil), items{"field:Watch list": replica.List{replica.Person{Name: "Ann"}, replica.Person{Name: "Bob"}}}))
	p := compile(t, deskStandsIn+"[incoming]\naccept = [\"field:Watch list\"]").Plan(in)
	if added := p.Edit.Add["customfield_6"]; len(added) != 1 {
		t.Errorf("%+v", added)
	}
}

func TestElseStandsInForWhoCannotBeAssigned(t *testing.T) {
	in := deskAlone(arrive(ticket(nil), items{"assignee": replica.Person{Name: "Carla", Email: "carla@both.example"}}))
	p := compile(t, deskStandsIn+"[incoming]\naccept = [\"assignee\"]").Plan(in)
	if who, _ := p.Edit.Set["assignee"].(jsm.Person); who.AccountID != "desk" || len(p.Held) > 0 {
		t.Errorf("%+v %+v", who, p.Held)
	}
}

// What came while when did not hold is judged once it does.
func TestWhenLetsInWhatItKeptOut(t *testing.T) {
	const when = "when = 'view.priority == \"High\"'\n"
	in := arrive(ticket(nil), items{"priority": replica.Option{Name: "High"}, "label/vpn": replica.Text("vpn"), "sla/12": running})
	in.Changed = []replica.Path{"priority"}
	p := deskRules(t, "[incoming.labels]\n"+when+"[incoming.sla]\n"+when, "").Plan(in)
	if len(p.Edit.Add["labels"]) != 1 || len(p.Comments) != 1 {
		t.Errorf("%+v %+v", p.Edit, p.Comments)
	}
}

func TestAFileThatStaysIsKeptInItsText(t *testing.T) {
	for deletes, kept := range map[string]bool{"origin": false, "mark": true, "ignore": true} {
		in := arrive(ticket(map[string]string{"description": document(picture)}), items{"description": replica.Rich(must(t, rich("new words")))})
		in.Ticket.Attachments = []jsm.Attachment{{ID: "12", Name: "plan.png"}}
		in.Files = map[string]string{"12": "m-77"}
		in.Origin = func(local string) (replica.Path, bool) { return "attachment/77", local == "attachment/12" }
		p := compile(t, takesTexts+"[incoming.attachments]\ndeletes = \""+deletes+"\"\n").Plan(in)
		if got := strings.Contains(string(p.Edit.Set["description"].(jsm.Rich)), "m-77"); got != kept {
			t.Errorf("%s: the picture is kept in the text: %t", deletes, got)
		}
	}
}

// Two of the peer's participants are one here, who goes with the last of them.
func TestAParticipantStaysForTheOther(t *testing.T) {
	ann, bob := replica.Person{Ref: "a", Name: "Ann"}, replica.Person{Ref: "b", Name: "Bob"}
	r := compileParts(t, deskStandsIn+"[incoming]\naccept = [\"participants\"]", "")
	if got := inShort(r.Plan(deskAlone(arrive(ticket(nil), items{"participant/a": ann, "participant/b": bob})))); got != "add participant/a  desk" {
		t.Error(got)
	}
	in := deskAlone(arrive(ticket(map[string]string{"customfield_30": `[{"accountId":"desk"}]`}), items{"participant/b": bob}))
	in.Changed = []replica.Path{"participant/a"}
	in.Twin = func(p replica.Path) (string, bool) { return "participant/desk", p == "participant/a" }
	if got := inShort(r.Plan(in)); got != "adopt participant/b participant/desk; forget participant/a participant/desk" {
		t.Error(got)
	}
	if got := r.EmailsWanted(in); len(got) != 1 {
		t.Errorf("nobody is looked up: %v", got)
	}
	delete(in.Remote, "participant/b")
	if got := inShort(r.Plan(in)); got != "delete participant/a participant/desk desk" {
		t.Error(got)
	}
}
