package jsm

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestValuesBothWays is the table of field shapes: what Jira answers, the Go value, what is written.
func TestValuesBothWays(t *testing.T) {
	when := time.Date(2023, 7, 12, 15, 0, 0, 0, time.UTC)
	person := Person{AccountID: "a", Name: "A", Active: true}
	for _, c := range []struct {
		t     FieldType
		read  string
		value Value
		write string // "": refused
	}{
		{Text, `"x"`, "x", `"x"`},
		{URL, `"https://a.example/"`, "https://a.example/", `"https://a.example/"`},
		{Paragraph, adfHello, Rich(adfHello), adfHello},
		{NumberType, `3.0`, Number("3"), `3`},
		{NumberType, `1.25E3`, Number("1250"), `1250`},
		{NumberType, `-0.50`, Number("-0.5"), `-0.5`},
		{NumberType, `-0.0`, Number("0"), `0`},
		{NumberType, `1e-7`, Number("0.0000001"), `0.0000001`},
		{NumberType, `9007199254740993`, Number("9007199254740993"), `9007199254740993`},
		{DateType, `"2026-11-22"`, Date("2026-11-22"), `"2026-11-22"`},
		{DateTime, `"2023-07-12T16:00:00.000+0100"`, when, `"2023-07-12T15:00:00.000+0000"`},
		{DateTime, `"2023-07-12T15:00:00Z"`, when, `"2023-07-12T15:00:00.000+0000"`},
		{DateTime, `"2023-07-12T16:00:00.000+01:00"`, when, `"2023-07-12T15:00:00.000+0000"`},
		{Select, `{"self":"x","value":"Red","id":"10001"}`, Option{ID: "10001", Value: "Red"}, `{"id":"10001"}`},
		{Radio, `{"value":"Red","id":10001}`, Option{ID: "10001", Value: "Red"}, `{"id":"10001"}`},
		{MultiSelect, `[{"value":"A","id":"1"},{"value":"B","id":"2"}]`, []Option{{ID: "1", Value: "A"}, {ID: "2", Value: "B"}}, `[{"id":"1"},{"id":"2"}]`},
		{Checkboxes, `[]`, []Option{}, `[]`},
		{Cascading, `{"value":"EU","id":"1","child":{"value":"Berlin","id":"7"}}`, Option{ID: "1", Value: "EU", Child: &Option{ID: "7", Value: "Berlin"}}, `{"id":"1","child":{"id":"7"}}`},
		{Cascading, `{"value":"EU","id":"1"}`, Option{ID: "1", Value: "EU"}, `{"id":"1"}`},
		{User, `{"accountId":"a","displayName":"A"}`, person, `{"accountId":"a"}`},
		{User, `{"accountId":"a","displayName":"A","active":false}`, Person{AccountID: "a", Name: "A"}, `{"accountId":"a"}`},
		{MultiUser, `[{"accountId":"a","displayName":"A"}]`, []Person{person}, `[{"accountId":"a"}]`},
		{Participants, `[{"accountId":"a","displayName":"A"}]`, []Person{person}, `[{"accountId":"a"}]`},
		{Group, `{"name":"g","groupId":"u-1"}`, Option{ID: "u-1", Value: "g"}, `{"groupId":"u-1"}`},
		{MultiGroup, `[{"name":"g"}]`, []Option{{Value: "g"}}, `[{"name":"g"}]`},
		{Labels, `["a","b"]`, []string{"a", "b"}, `["a","b"]`},
		{Version, `{"id":"5","name":"1.0","released":false}`, Option{ID: "5", Value: "1.0"}, `{"id":"5"}`},
		{MultiVersion, `[{"id":"5","name":"1.0"}]`, []Option{{ID: "5", Value: "1.0"}}, `[{"id":"5"}]`},
		{Components, `[{"id":"5","name":"Web"}]`, []Option{{ID: "5", Value: "Web"}}, `[{"id":"5"}]`},
		{Priority, `{"id":"2","name":"High"}`, Option{ID: "2", Value: "High"}, `{"id":"2"}`},
		{Resolution, `{"id":"2","name":"Done"}`, Option{ID: "2", Value: "Done"}, `{"id":"2"}`},
		{StatusType, `{"id":"3","name":"Open","statusCategory":{"key":"new"}}`, Option{ID: "3", Value: "Open"}, ``},
		{ProjectType, `{"id":"3","key":"P","name":"Proj"}`, Option{ID: "3", Value: "P"}, `{"id":"3"}`},
		{ParentType, `{"id":"10042","key":"SUP-7","fields":{"summary":"x"}}`, Option{ID: "10042", Value: "SUP-7"}, `{"id":"10042"}`},
		{Security, `{"id":"4","name":"Staff only"}`, Option{ID: "4", Value: "Staff only"}, `{"id":"4"}`},
		{AssetType, `[{"workspaceId":"w","id":"w:7","objectId":"7"}]`, []Option{{ID: "w:7"}}, `[{"id":"w:7"}]`},
		{AssetType, `[{"workspaceId":"w","id":"w:7","objectId":"7","label":"web-1"}]`, []Option{{ID: "w:7", Value: "web-1"}}, `[{"id":"w:7"}]`},
		{EffortType, `{"originalEstimate":"2d","originalEstimateSeconds":57600,"remainingEstimateSeconds":90,"timeSpentSeconds":60}`, Effort{57600, 90}, `{"originalEstimate":"960m","remainingEstimate":"2m"}`},
		{EffortType, `{"remainingEstimateSeconds":0}`, Effort{-1, 0}, `{"remainingEstimate":"0m"}`},
		{EffortType, `{}`, nil, `null`},
		{WatchersType, `{"watchCount":3,"isWatching":true}`, Number("3"), ``},
		{WatchersType, `{"watchCount":1,"watchers":[{"accountId":"a","displayName":"A"}]}`, []Person{person}, ``},
		{SLAType, `{"id":"1"}`, Raw(`{"id":"1"}`), ``},
		{ApprovalsType, `[]`, Raw(`[]`), ``},
		{FeedbackType, `{"rating":5}`, Raw(`{"rating":5}`), ``},
		{Organizations, `[{"id":"12","name":"Globex","_links":{}}]`, []Option{{ID: "12", Value: "Globex"}}, `[12]`},
		{RequestTypeType, `{"requestType":{"id":"25","name":"Ask"},"currentStatus":{}}`, Option{ID: "25", Value: "Ask"}, `"25"`},
		{RequestTypeType, `{"requestType":null}`, nil, `null`},
		{ReadOnly, `{"errorMessage":"metric"}`, Raw(`{"errorMessage":"metric"}`), ``},
		{UnknownType, `[{"app":1}]`, Raw(`[{"app":1}]`), ``},
		{Text, `null`, nil, `null`},
		{Labels, `null`, nil, `[]`},
		{Components, `null`, nil, `[]`},
		{User, `null`, nil, `null`},
	} {
		f := Field{ID: "customfield_1", Type: c.t}
		got, err := f.Decode(json.RawMessage(c.read))
		if err != nil {
			t.Errorf("%s %s: %v", c.t, c.read, err)
			continue
		}
		if d := cmp.Diff(c.value, got); d != "" {
			t.Errorf("%s %s: %s", c.t, c.read, d)
		}
		out, err := f.Encode(got)
		if c.write == "" {
			if err == nil {
				t.Errorf("%s can be written as %s", c.t, out)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s %s: %v", c.t, c.read, err)
			continue
		}
		sameJSON(t, string(out), c.write)
	}
}

func TestOptionsByName(t *testing.T) {
	for _, c := range []struct {
		t    FieldType
		v    Value
		want string
	}{
		{Select, Option{Value: "Red"}, `{"value":"Red"}`},
		{Cascading, Option{Value: "EU", Child: &Option{Value: "Berlin"}}, `{"value":"EU","child":{"value":"Berlin"}}`},
		{Priority, Option{Value: "High"}, `{"name":"High"}`},
		{Components, []Option{{Value: "Web"}}, `[{"name":"Web"}]`},
		{ProjectType, Option{Value: "HELP"}, `{"key":"HELP"}`},
		{ParentType, Option{Value: "SUP-7"}, `{"key":"SUP-7"}`},
		{Paragraph, "two\nlines", `{"version":1,"type":"doc","content":[{"type":"paragraph","content":[{"type":"text","text":"two"},{"type":"hardBreak"},{"type":"text","text":"lines"}]}]}`},
		{Labels, []string{}, `[]`},
	} {
		got, err := (Field{ID: "x", Type: c.t}).Encode(c.v)
		if err != nil {
			t.Errorf("%s: %v", c.t, err)
			continue
		}
		sameJSON(t, string(got), c.want)
	}
}

func TestEncodeRefuses(t *testing.T) {
	for _, c := range []struct {
		t FieldType
		v Value
	}{
		{Text, "a\nb"}, {Text, strings.Repeat("ü", 256)}, {Text, strings.Repeat("😀", 128)}, {Text, Number("1")}, {Text, Rich(adfHello)},
		{Paragraph, Rich(`{`)}, {NumberType, Number("1e9999999")}, {NumberType, Number("one")}, {NumberType, "1"}, {NumberType, Number("")},
		{DateType, Date("22.11.2026")}, {DateType, time.Now()}, {DateTime, Date("2026-11-22")},
		{Select, Option{}}, {Select, "Red"}, {Select, []Option{{Value: "Red"}}}, {MultiSelect, Option{Value: "Red"}}, {MultiSelect, []string{"Red"}},
		{Cascading, Option{Value: "EU", Child: &Option{}}}, {User, Person{Name: "Jane"}}, {User, "jane"}, {MultiUser, []Option{{ID: "1"}}}, {MultiUser, []Person{{}}},
		{Labels, []string{"two words"}}, {Labels, []string{""}}, {Labels, []Option{{Value: "x"}}}, {Labels, "x"},
		{RequestTypeType, Option{Value: "Ask"}}, {Organizations, []Option{{Value: "Globex"}}}, {Organizations, []Option{{ID: "uuid"}}}, {AssetType, []Option{{Value: "web-1"}}},
		{EffortType, Effort{-1, -1}}, {EffortType, Effort{1 << 50, 0}}, {EffortType, Number("3")}, {NumberType, Effort{60, 60}}, {WatchersType, []Person{{AccountID: "a"}}}, {SLAType, nil},
		{StatusType, Option{ID: "1"}}, {ReadOnly, nil}, {UnknownType, Raw(`1`)}, {Text, 5}, {Text, struct{}{}},
	} {
		if got, err := (Field{ID: "x", Type: c.t}).Encode(c.v); err == nil {
			t.Errorf("%s takes %#v as %s", c.t, c.v, got)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct {
		t    FieldType
		read string
	}{
		{Text, `5`}, {Text, `{}`}, {NumberType, `"x"`}, {NumberType, `1e99999999`}, {DateTime, `"yesterday"`}, {DateTime, `"` + strings.Repeat("2", 100) + `"`},
		{Select, `[]`}, {Select, `"Red"`}, {MultiSelect, `{}`}, {User, `[]`}, {Labels, `"x"`}, {Labels, `[1]`}, {Paragraph, `{"type":"panel"}`}, {Paragraph, `[]`},
		{RequestTypeType, `[1]`}, {Organizations, `[5]`},
		{AssetType, `{}`}, {EffortType, `"2d"`}, {EffortType, `{"originalEstimateSeconds":"x"}`}, {WatchersType, `5`}, {WatchersType, `{"watchers":{}}`}, {ParentType, `"SUP-7"`},
	} {
		if got, err := (Field{ID: "customfield_9", Type: c.t}).Decode(json.RawMessage(c.read)); err == nil {
			t.Errorf("%s reads %s as %#v", c.t, c.read, got)
		} else if !strings.Contains(err.Error(), "customfield_9") {
			t.Errorf("the error does not name the field: %v", err)
		}
	}
}

func TestSetMembers(t *testing.T) {
	for _, c := range []struct {
		t    FieldType
		v    Value
		want string
	}{
		{Labels, "vpn", `"vpn"`},
		{Components, Option{Value: "Web"}, `{"name":"Web"}`},
		{Checkboxes, Option{ID: "5"}, `{"id":"5"}`},
		{MultiUser, Person{AccountID: "a"}, `{"accountId":"a"}`},
		{Labels, "two words", ""}, {Labels, Option{Value: "x"}, ""}, {Text, "x", ""}, {Select, Option{ID: "1"}, ""},
		{Organizations, Option{ID: "1"}, ""}, {Participants, Person{AccountID: "a"}, ""}, {AssetType, Option{ID: "w:7"}, ""}, {Labels, 5, ""},
	} {
		got, err := (Field{ID: "x", Type: c.t}).encodeMember(c.v)
		if c.want == "" {
			if err == nil {
				t.Errorf("%s takes %v", c.t, c.v)
			}
			continue
		}
		b, _ := json.Marshal(got)
		if err != nil || string(b) != c.want {
			t.Errorf("%s: %s, %v", c.t, b, err)
		}
	}
}

func TestTimes(t *testing.T) {
	want := time.Date(2026, 7, 7, 1, 1, 40, 376e6, time.UTC)
	for _, s := range []string{"2026-07-07T10:01:40.376+0900", "2026-07-07T10:01:40.376+09:00", "2026-07-07T01:01:40.376Z", "2026-07-06T21:31:40.376-0330"} {
		if got, err := parseTime(s); err != nil || !got.Equal(want) {
			t.Errorf("%s: %s, %v", s, got, err)
		}
	}
	if got, err := parseTime("2026-07-07T01:01:40+0000"); err != nil || !got.Equal(want.Truncate(time.Second)) {
		t.Errorf("without a fraction: %s, %v", got, err)
	}
}
