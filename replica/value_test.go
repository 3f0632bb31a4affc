package replica

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const hello = `{"content":[{"content":[{"text":"hello","type":"text"}],"type":"paragraph"}],"type":"doc","version":1}`

// everyKind has each kind, full and bare.
func everyKind() map[string]Value {
	jane := Person{Ref: "p7", Name: "Jane Doe", Email: "jane@globex.example", Alias: "Agent 7", Company: "Globex"}
	return map[string]Value{
		"text": Text("Printer on floor 3 — Büro"), "no text": Text(""), "rich": Rich(hello),
		"option": Option{Name: "High", ID: "3"}, "no option": Option{},
		"cascade": Option{Name: "Europe", ID: "1", Child: &Option{Name: "Zürich"}},
		"status":  Status{Name: "Waiting for support", ID: "10001", Category: "indeterminate"},
		"number":  Number("-2.5"), "date": Date("2026-02-28"), "time": Time(1_760_000_000_123), "old time": Time(-5),
		"person": jane, "nobody": Person{},
		"list":         List{Option{Name: "VPN"}, Text("x"), Unknown{Name: "gauge", Raw: []byte{0x81, 0xa1, 'n', 0xc0}}},
		"no list":      List{},
		"comment":      Comment{Public: true, Author: jane, Body: Rich(hello), Created: 1, Edited: 2, Parent: "10012"},
		"bare comment": Comment{Body: Rich(hello)},
		"effort":       Effort{Original: 7200, Remaining: 0}, "no effort": Effort{NoEstimate, NoEstimate}, "half an effort": Effort{NoEstimate, 60},
		"attachment": Attachment{Name: "shot.png", MIME: "image/png", Size: 70_000, Hash: Hash{1, 2}, Public: true, Author: jane, Created: 5}, "bare attachment": Attachment{Name: "x"},
		"ticket": Ticket{Link: LinkID{1, 2, 3}, Key: "SUP-7"}, "ticket without a key": Ticket{Link: LinkID{9}},
		"worklog":     Worklog{Author: jane, Started: 1, Seconds: 5400, Text: Rich(hello), Created: 2, Edited: 3},
		"no worklog":  Worklog{},
		"relation":    Relation{Type: "Blocks", Outward: "blocks", Inward: "is blocked by", To: Ticket{Link: LinkID{4}, Key: "SUP-8"}},
		"no relation": Relation{To: Ticket{Link: LinkID{4}}},
		"web link":    WebLink{URL: "https://globex.example/status", Title: "Status", Summary: "Outages"}, "bare web link": WebLink{URL: "x"},
		"approval":    Approval{Name: "Manager approval", Decision: "approved", Created: 1, Completed: 2, Approvers: []Approver{{jane, "approved"}, {Person{}, "pending"}}},
		"no approval": Approval{Decision: "pending"},
		"sla":         SLA{Name: "Time to resolution", Goal: 14_400_000, Breach: 3, Completed: 2, Paused: true, Breached: true}, "bare sla": SLA{},
		"portal": Portal{Status: "In progress", URL: "https://globex.example/servicedesk/customer/portal/1/SUP-7"}, "no portal": Portal{},
		"rating": Rating{Stars: 5, Text: "quick"}, "bare rating": Rating{Stars: 1},
		"article": Article{Title: "VPN on the train", URL: "https://globex.example/wiki/spaces/KB/pages/1"},
		"unknown": Unknown{Name: "oracle", Raw: []byte{0x92, 0xc3, 0xc4, 0x01, 0xff}},
	}
}

func TestValuesComeBack(t *testing.T) {
	for what, v := range everyKind() {
		it := NewItem(v, 17)
		if it.Kind != v.Kind() || it.At != 17 {
			t.Errorf("%s: item %q at %d", what, it.Kind, it.At)
		}
		if err := Check(it.Raw); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		got, err := it.Value()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		} else if diff := cmp.Diff(v, got); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
}

func TestNewItemMakesCanonical(t *testing.T) {
	if got := NewItem(Text("a\xffb"), -1); !got.Equal(NewItem(Text("a\uFFFDb"), 0)) || got.At != 0 {
		t.Errorf("text that is not UTF-8: %+v", got)
	}
	if got := NewItem(Number("2.50"), 0); !got.Equal(NewItem(Number("2.5"), 0)) {
		t.Errorf("2.50: %q", got.Raw)
	}
}

func TestUnknownValuesAreCopied(t *testing.T) {
	raw := []byte{0xa1, 'x'}
	it := NewItem(Unknown{Name: "new", Raw: raw}, 0)
	raw[1] = 'y'
	if string(it.Raw) != "\xa1x" {
		t.Errorf("the item changed to %q", it.Raw)
	}
}

func TestValueRefuses(t *testing.T) {
	long := strings.Repeat("x", maxName+1)
	for what, it := range map[string]Item{
		"empty kind":                   {Raw: []byte{0xa0}},
		"long kind":                    {Kind: Kind(strings.Repeat("k", maxKind+1)), Raw: []byte{0xa0}},
		"no bytes":                     {Kind: KindText},
		"not canonical":                {Kind: KindText, Raw: []byte{0xd9, 0x01, 'x'}},
		"binary for text":              {Kind: KindText, Raw: []byte{0xc4, 0x01, 'x'}},
		"nil for text":                 {Kind: KindText, Raw: []byte{0xc0}},
		"nil for a time":               {Kind: KindTime, Raw: []byte{0xc0}},
		"nil for a person":             {Kind: KindPerson, Raw: []byte{0xc0}},
		"nil for a list":               {Kind: KindList, Raw: []byte{0xc0}},
		"text for a time":              {Kind: KindTime, Raw: []byte{0xa1, '1'}},
		"time beyond 63 bits":          {Kind: KindTime, Raw: []byte{0xcf, 0xff, 0, 0, 0, 0, 0, 0, 0}},
		"long text":                    NewItem(Text(strings.Repeat("x", MaxText+1)), 0),
		"rich that is no ADF":          NewItem(Rich(`{"type":"paragraph"}`), 0),
		"rich that is no JSON":         NewItem(Rich(`{`), 0),
		"number with an exponent":      {Kind: KindNumber, Raw: []byte("\xa31e3")},
		"number with a zero":           {Kind: KindNumber, Raw: []byte("\xa31.0")},
		"number of letters":            NewItem(Number("many"), 0),
		"date of no day":               NewItem(Date("2026-02-30"), 0),
		"date with a time":             NewItem(Date("2026-02-03T01:02:03Z"), 0),
		"long name of an option":       NewItem(Option{Name: long}, 0),
		"empty name of an option":      {Kind: KindOption, Raw: []byte("\x81\xa4name\xa0")},
		"option of other keys":         {Kind: KindOption, Raw: []byte("\x81\xa4nome\xa1x")},
		"deep option":                  NewItem(Option{Child: &Option{Child: &Option{Child: &Option{Child: &Option{}}}}}, 0),
		"category of our own":          NewItem(Status{Category: "waiting"}, 0),
		"long name of a person":        NewItem(Person{Name: long}, 0),
		"list in a list":               NewItem(List{List{}}, 0),
		"bad value in a list":          NewItem(List{Number("x")}, 0),
		"long list":                    NewItem(texts(MaxList+1), 0),
		"list of bare values":          {Kind: KindList, Raw: []byte{0x91, 0xa1, 'x'}},
		"list element of no kind":      {Kind: KindList, Raw: []byte("\x91\x82\xa1k\xa0\xa1v\xa1x")},
		"comment without a body":       {Kind: KindComment, Raw: []byte("\x83\xa6author\x80\xa7created\x00\xa6public\xc2")},
		"comment of numbers":           {Kind: KindComment, Raw: []byte("\x83\xa6author\x01\xa7created\x00\xa6public\xc2")},
		"comment edited at 0":          NewItem(Comment{Body: Rich(hello), Edited: 1}, 0).with("edited\x01", "edited\x00"),
		"effort below 0":               {Kind: KindEffort, Raw: []byte("\x81\xa8original\xff")},
		"attachment without a name":    {Kind: KindAttachment, Raw: []byte("\x81\xa7created\x01")},
		"attachment of negative size":  NewItem(Attachment{Name: "x", Size: -1}, 0),
		"attachment beyond a terabyte": NewItem(Attachment{Name: "x", Size: maxBlob + 1}, 0),
		"attachment as a number":       {Kind: KindAttachment, Raw: []byte("\x01")},
		"approval without a name":      {Kind: KindApproval, Raw: []byte("\x81\xa8decision\xa7pending")},
		"approval of another answer":   NewItem(Approval{Decision: "maybe"}, 0),
		"approver of another answer":   NewItem(Approval{Decision: "pending", Approvers: []Approver{{Decision: "?"}}}, 0),
		"approval by too many":         NewItem(Approval{Decision: "pending", Approvers: make([]Approver, MaxApprovers+1)}, 0),
		"approval completed at 0":      NewItem(Approval{Decision: "approved", Completed: 1}, 0).with("completed\x01", "completed\x00"),
		"sla without a name":           {Kind: KindSLA, Raw: []byte("\x81\xa4goal\x01")},
		"sla of ages":                  NewItem(SLA{Goal: maxGoal + 1}, 0),
		"sla that is not paused":       NewItem(SLA{Paused: true}, 0).with("paused\xc3", "paused\xc2"),
		"portal of other keys":         {Kind: KindPortal, Raw: []byte("\x81\xa3key\xa1x")},
		"rating of six stars":          NewItem(Rating{Stars: 6}, 0),
		"rating of no stars":           NewItem(Rating{}, 0),
		"article without an address":   NewItem(Article{Title: "x"}, 0),
		"effort of ages":               NewItem(Effort{Original: maxSeconds + 1}, 0),
		"effort of other keys":         {Kind: KindEffort, Raw: []byte("\x81\xa5spent\x01")},
		"effort as a number":           {Kind: KindEffort, Raw: []byte("\x01")},
		"ticket without a link":        {Kind: KindTicket, Raw: []byte("\x81\xa3key\xa1x")},
		"ticket of link 0":             NewItem(Ticket{Key: "x"}, 0),
		"ticket with half a link":      {Kind: KindTicket, Raw: []byte("\x81\xa4link\xc4\x01\x01")},
		"comment seen by 0":            NewItem(Comment{Body: Rich(hello)}, 0).with("public\xc2", "public\x00"),
	} {
		if v, err := it.Value(); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v and error %v, want ErrMalformed", what, fmt.Sprintf("%.80v", v), err)
		}
	}
}

// texts is a list of n texts.
func texts(n int) List {
	l := make(List, n)
	for i := range l {
		l[i] = Text("")
	}
	return l
}

// with is it with other bytes in one place.
func (it Item) with(old, now string) Item {
	it.Raw = []byte(strings.Replace(string(it.Raw), old, now, 1))
	return it
}

func TestParseNumber(t *testing.T) {
	for in, want := range map[string]Number{
		"0": "0", "-0": "0", "-0.00": "0", "3": "3", "007": "7", "2.50": "2.5", "-2.50": "-2.5", "0.5": "0.5", "1.0": "1",
		"1e3": "1000", "1E+3": "1000", "1.25e1": "12.5", "1.25e3": "1250", "125e-2": "1.25", "5e-3": "0.005", "-12e-1": "-1.2",
		"0e99": "0", "1e-0": "1", "100e-2": "1", "12345678901234567890.123456789": "12345678901234567890.123456789",
	} {
		if got, err := ParseNumber(in); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range []string{
		"", "-", "+1", " 1", "1 ", "1.", ".5", "1,5", "0x1", "1e", "1e+", "1e-", "1e1.5", "1e100", "1e-100", "--1", "1.2.3", "NaN", "Infinity", "１",
		"1e64", "1e-64", strings.Repeat("1", 65),
	} {
		if got, err := ParseNumber(in); err == nil {
			t.Errorf("%q is taken as %q", in, got)
		}
	}
}
