package jsm_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/jsm"
	"parley/jsm/sim"
)

// What an edit needs before its PUT, against the simulator's whole desk: objects by label, options that are made,
// watchers; and the fields of Jira's own that came with them.

func north(t *testing.T, role sim.Role) (*sim.Tenant, *jsm.Client) {
	t.Helper()
	tenant, err := sim.New(sim.Config{Name: "north"})
	if err != nil {
		t.Fatal(err)
	}
	return tenant, clientOf(t, tenant, role)
}

func clientOf(t *testing.T, tenant *sim.Tenant, role sim.Role) *jsm.Client {
	t.Helper()
	srv := httptest.NewServer(tenant)
	t.Cleanup(srv.Close)
	me, ok := tenant.Account(role)
	if !ok {
		t.Fatalf("no account for %s", role)
	}
	c, err := jsm.New(jsm.Config{Base: srv.URL, Auth: jsm.Auth{User: me.Email, Token: jsm.Token(me.Token)}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func raised(t *testing.T, c *jsm.Client, s *jsm.Schema) string {
	t.Helper()
	rt, err := s.RequestType("Get IT help")
	if err != nil {
		t.Fatal(err)
	}
	id, _, err := c.CreateRequest(t.Context(), jsm.NewRequest{ServiceDesk: s.Desk, RequestType: rt.ID, Fields: map[string]jsm.Value{"summary": "VPN is down"}})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestEveryFieldInTheSimulator(t *testing.T) {
	_, c := north(t, sim.Sync)
	s, err := c.Schema(t.Context(), "SUPPORT")
	if err != nil {
		t.Fatal(err)
	}
	id := raised(t, c, s)
	for _, x := range []struct {
		field string
		write jsm.Value
		read  string
	}{
		{"Affected assets", []jsm.Option{{Value: "Core router"}}, "Core router"},
		{"Related project", jsm.Option{Value: "OPS"}, "OPS"},
		{"Location", jsm.Option{Value: "Norway", Child: &jsm.Option{Value: "Bergen"}}, "Bergen"},
		{"Found in release", jsm.Option{Value: "2026.1"}, "2026.1"},
		{"Informed groups", []jsm.Option{{Value: "network-team"}}, "network-team"},
		{"fixVersions", []jsm.Option{{Value: "2026.1"}, {Value: "2026.2"}}, "2026.2"},
		{"timetracking", jsm.Effort{Original: 7200, Remaining: 90}, "{7200 120}"},
	} {
		f, err := s.Field(x.field)
		if err != nil {
			t.Fatal(err)
		}
		tk, err := c.Edit(t.Context(), id, jsm.Edit{Set: map[string]jsm.Value{f.ID: x.write}, Types: map[string]jsm.Field{f.ID: f}})
		if err != nil {
			t.Errorf("%s: %v", x.field, err)
			continue
		}
		v, err := tk.Value(f)
		if o, ok := v.(jsm.Option); ok && o.Child != nil {
			v = o.Child.Value
		}
		if err != nil || !strings.Contains(fmt.Sprint(v), x.read) {
			t.Errorf("%s: wrote %v, read %v %v", x.field, x.write, v, err)
		}
	}
	f, _ := s.Field("Affected assets")
	_, err = c.Edit(t.Context(), id, jsm.Edit{Set: map[string]jsm.Value{f.ID: []jsm.Option{{Value: "No such thing"}}}, Types: map[string]jsm.Field{f.ID: f}})
	var bad *jsm.FieldErrors
	if !errors.As(err, &bad) || !strings.Contains(bad.Fields[f.ID], "0 objects") {
		t.Errorf("an object that is not there: %v", err)
	}
}

func TestOptionsInTheSimulator(t *testing.T) {
	tenant, c := north(t, sim.Sync)
	s, err := c.Schema(t.Context(), "SUPPORT")
	if err != nil {
		t.Fatal(err)
	}
	id := raised(t, c, s)
	f, err := s.Field("Location")
	if err != nil {
		t.Fatal(err)
	}
	e := jsm.Edit{
		Set:    map[string]jsm.Value{f.ID: jsm.Option{Value: "Norway", Child: &jsm.Option{Value: "Tromsø"}}},
		Create: map[string]bool{f.ID: true}, Types: map[string]jsm.Field{f.ID: f},
	}
	var bad *jsm.FieldErrors
	if _, err := c.Edit(t.Context(), id, e); !errors.As(err, &bad) || !strings.Contains(bad.Fields[f.ID], "may not do this") {
		t.Errorf("only an administrator adds options: %v", err)
	}
	admin := clientOf(t, tenant, sim.Admin)
	for range 2 { // a repetition makes none twice
		tk, err := admin.Edit(t.Context(), id, e)
		if err != nil {
			t.Fatal(err)
		}
		v, _ := tk.Value(f)
		if o, ok := v.(jsm.Option); !ok || o.Child == nil || o.Child.Value != "Tromsø" {
			t.Errorf("%v", v)
		}
	}
	after, err := admin.Schema(t.Context(), "SUPPORT")
	if err != nil {
		t.Fatal(err)
	}
	now, _ := after.Field("Location")
	if diff := cmp.Diff(len(f.Options)+1, len(now.Options)); diff != "" {
		t.Errorf("%v", now.Options)
	}
}

func TestWatchersInTheSimulator(t *testing.T) {
	tenant, c := north(t, sim.Sync)
	s, err := c.Schema(t.Context(), "SUPPORT")
	if err != nil {
		t.Fatal(err)
	}
	id := raised(t, c, s)
	who, _ := tenant.Account(sim.Agent)
	agent, found, err := c.FindPerson(t.Context(), who.Email)
	if err != nil || !found {
		t.Fatal(err)
	}
	watched := func(change jsm.Edit) (names []string) {
		if _, err := c.Edit(t.Context(), id, change); err != nil {
			t.Fatal(err)
		}
		list, err := c.Tickets(t.Context(), []string{id}, []string{"watches", jsm.WatcherList})
		if err != nil {
			t.Fatal(err)
		}
		v, err := list[id].Value(jsm.Field{ID: "watches", Type: jsm.WatchersType})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range v.([]jsm.Person) {
			if p.AccountID == agent.AccountID {
				names = append(names, p.Name)
			}
		}
		return names
	}
	if got := watched(jsm.Edit{Add: map[string][]jsm.Value{"watches": {agent}}}); len(got) != 1 {
		t.Errorf("%v", got)
	}
	if got := watched(jsm.Edit{Remove: map[string][]jsm.Value{"watches": {agent}}}); len(got) != 0 {
		t.Errorf("%v", got)
	}
}
