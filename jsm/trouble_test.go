package jsm

import (
	"net/http"
	"os"
	"regexp"
	"testing"
)

// TestEveryTroubleHasAdvice reads the constants from the source, so that none can be forgotten.
func TestEveryTroubleHasAdvice(t *testing.T) {
	src, err := os.ReadFile("trouble.go")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`(?m)^\tTrouble\w+ +Trouble = "([a-z]+)"`).FindAllStringSubmatch(string(src), -1)
	if len(names) < 10 || len(names) != len(Troubles()) {
		t.Errorf("%d constants, %d advices", len(names), len(Troubles()))
	}
	for _, n := range names {
		if a := Trouble(n[1]).Advice(); a.Sentence == "" || a.Cause == "" || a.Next == "" {
			t.Errorf("%s: %+v", n[1], a)
		}
	}
	if a := Trouble("").Advice(); a != (Advice{}) {
		t.Errorf("%+v", a)
	}
}

func TestTroublesAreTold(t *testing.T) {
	for _, c := range []struct {
		status      int
		h           http.Header
		empty, html bool
		want        Trouble
	}{
		{400, nil, false, false, ""},
		{403, nil, false, false, ""},
		{404, nil, true, false, ""},
		{404, headers("X-Seraph-LoginReason", "AUTHENTICATED_FAILED"), false, false, TroubleToken},
		{403, headers("X-Seraph-LoginReason", "AUTHENTICATION_DENIED"), true, false, TroubleToken},
		{401, headers("X-AUSERNAME", "anonymous"), false, false, TroubleToken},
		{200, headers("X-AUSERNAME", "anonymous"), false, false, TroubleToken},
		{403, nil, true, false, TroubleLicence},
		{403, nil, false, true, TroublePage},
		{404, nil, false, true, TroublePage},
		{302, nil, true, false, TroublePage},
		{402, nil, false, false, TroubleSuspended},
		{407, nil, false, true, TroubleProxy},
		{410, nil, false, false, TroubleRemoved},
		{429, nil, false, true, TroubleLimit},
		{500, nil, false, true, TroubleGateway},
		{503, nil, false, false, TroubleGateway},
		{503, nil, false, true, TroubleMaintenance},
		{503, headers("Retry-After", "60"), true, false, TroubleMaintenance},
		{408, nil, true, false, TroubleGateway},
		{499, nil, true, false, TroubleGateway},
	} {
		if got := troubleOf(c.status, c.h, c.empty, c.html); got != c.want {
			t.Errorf("%d %v: %q, want %q", c.status, c.h, got, c.want)
		}
	}
}

func BenchmarkAdmit(b *testing.B) {
	g := newGovernor(1<<30, defaultMaxWait, nil)
	k := &call{op: "PUT issue", method: http.MethodPut}
	for b.Loop() {
		g.pace = newPace() // no burst: what is measured is the line itself
		if _, e := g.admit(b.Context(), k); e != nil {
			b.Fatal(e)
		}
		g.heard(k, 1, nil, nil)
		g.settle(k, nil, false)
	}
}
