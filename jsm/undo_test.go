package jsm

import (
	"reflect"
	"testing"
)

func TestMembersOfAHistoryItem(t *testing.T) {
	for _, c := range []struct {
		field       Field
		it          ChangeItem
		gone, added []Option
		known       bool
	}{
		{Field{Type: Labels}, ChangeItem{FromString: "a b", ToString: "b c d"}, []Option{{Value: "a"}}, []Option{{Value: "c"}, {Value: "d"}}, true},
		{Field{Type: Labels}, ChangeItem{ToString: "a"}, nil, []Option{{Value: "a"}}, true},
		{Field{Type: Components}, ChangeItem{From: "7", FromString: "VPN gate"}, []Option{{ID: "7", Value: "VPN gate"}}, nil, true},
		{Field{Type: Components}, ChangeItem{To: "7", ToString: "VPN gate"}, nil, []Option{{ID: "7", Value: "VPN gate"}}, true},
		{Field{Type: Organizations}, ChangeItem{ToString: "Acme, Initech"}, nil, nil, false},
	} {
		gone, added, known := c.field.Members(c.it)
		if !reflect.DeepEqual(gone, c.gone) || !reflect.DeepEqual(added, c.added) || known != c.known {
			t.Errorf("%s %+v: %v %v %v", c.field.Type, c.it, gone, added, known)
		}
	}
}

func TestWhatAHistoryItemReplaced(t *testing.T) {
	for _, c := range []struct {
		field Field
		it    ChangeItem
		want  Value
		ok    bool
	}{
		{Field{ID: "summary", Type: Text}, ChangeItem{FromString: "Printer", ToString: "x"}, "Printer", true},
		{Field{ID: "summary", Type: Text}, ChangeItem{ToString: "x"}, nil, false}, // no ticket is without one
		{Field{ID: "priority", Type: Priority}, ChangeItem{From: "3", FromString: "P3", To: "1"}, Option{ID: "3", Value: "P3"}, true},
		{Field{ID: "assignee", Type: User}, ChangeItem{To: "a-1"}, nil, true},
		{Field{ID: "assignee", Type: User}, ChangeItem{From: "a-9", FromString: "Jane"}, Person{AccountID: "a-9", Name: "Jane"}, true},
		{Field{ID: "duedate", Type: DateType}, ChangeItem{From: "2026-11-22", FromString: "2026-11-22 00:00:00.0"}, Date("2026-11-22"), true},
		{Field{ID: "description", Type: Paragraph}, ChangeItem{FromString: "*bold* words"}, nil, false},
		{Field{ID: "labels", Type: Labels}, ChangeItem{FromString: "a"}, nil, false},
		{Field{ID: "status", Type: StatusType}, ChangeItem{From: "1", FromString: "Open"}, Option{ID: "1", Value: "Open"}, true},
	} {
		v, ok := c.field.Before(c.it)
		if ok != c.ok || ok && !reflect.DeepEqual(v, c.want) {
			t.Errorf("%s %+v: %#v %v", c.field.Type, c.it, v, ok)
		}
	}
	if v, ok := (Field{Type: Paragraph}).Before(ChangeItem{FromString: "plain words"}); !ok || len(v.(Rich)) == 0 {
		t.Errorf("plain words cannot be put back: %v %v", v, ok)
	}
}
