package jsm

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// flow is a small workflow with tickets in it, behind the fake.
type flow struct {
	edges      map[string][]string // status → "transition id>status", "!" behind it: its screen has the resolution
	at         map[string]string   // issue → status
	approval   map[string]bool     // issue → pending
	done       []string            // statuses of category done
	listed     []string            // statuses of the issue type
	res        map[string]string   // issue → resolution
	edit       bool                // the edit screen has the resolution
	noRequests bool                // the tickets are issues without a request type
	fail       map[string][]answer // transition id → answers before it works; status 0 with err: applied, answer lost
}

func (w *flow) status(name string) string {
	category := "indeterminate"
	if slices.Contains(w.done, name) {
		category = "done"
	}
	return fmt.Sprintf(`{"id":%q,"name":%q,"statusCategory":{"id":1,"key":%q}}`, "s-"+name, name, category)
}

func (w *flow) jira(t *testing.T) (*Client, *fake) {
	answers := map[string]any{}
	var listed []string
	for _, s := range w.listed {
		listed = append(listed, w.status(s))
	}
	answers["GET /rest/api/3/project/10/statuses"] = `[{"id":"77","name":"Incident","self":"x","subtask":false,"statuses":[` + strings.Join(listed, ",") + `]}]`
	answers["POST /rest/api/3/search/jql"] = askedFunc(func(_ *http.Request, body []byte) answer {
		for _, id := range slices.Sorted(mapsKeys(w.at)) {
			if strings.Contains(string(body), fmt.Sprintf(`status = \"s-%s\"`, w.at[id])) || strings.Contains(string(body), "status = s-"+w.at[id]+" ") {
				return answer{body: `{"issues":[` + w.issue(id) + `],"isLast":true}`}
			}
		}
		return answer{body: `{"issues":[],"isLast":true}`}
	})
	for id := range w.at {
		path := "/rest/api/3/issue/" + id
		answers["GET "+path] = askedFunc(func(*http.Request, []byte) answer { return answer{body: w.issue(id)} })
		answers["GET "+path+"/transitions"] = askedFunc(func(*http.Request, []byte) answer { return answer{body: w.open(id)} })
		answers["POST "+path+"/transitions"] = askedFunc(func(_ *http.Request, body []byte) answer { return w.take(t, id, body) })
		answers["GET "+path+"/editmeta"] = askedFunc(func(*http.Request, []byte) answer {
			if !w.edit {
				return answer{body: `{"fields":{}}`}
			}
			return answer{body: `{"fields":{"resolution":` + resolutionMeta + `}}`}
		})
		answers["PUT "+path] = askedFunc(func(_ *http.Request, body []byte) answer {
			w.setResolution(id, body)
			return answer{status: 204}
		})
		answers["GET /rest/servicedeskapi/request/"+id+"/approval"] = askedFunc(func(*http.Request, []byte) answer {
			if w.noRequests {
				return answer{status: 404, body: `{"errorMessage":"The request does not exist.","i18nErrorMessage":{"i18nKey":"sd.x","parameters":[]}}`}
			}
			if w.approval[id] {
				return answer{body: `{"isLastPage":true,"values":[{"id":"1","finalDecision":"pending"}]}`}
			}
			return answer{body: `{"isLastPage":true,"values":[{"id":"0","finalDecision":"approved"}]}`}
		})
	}
	return jira(t, answers)
}

func mapsKeys(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

const resolutionMeta = `{"name":"Resolution","key":"resolution","required":true,"operations":["set"],"schema":{"type":"resolution","system":"resolution"},"allowedValues":[{"id":"31","name":"Done"},{"id":"32","name":"Duplicate"}]}`

func (w *flow) issue(id string) string {
	res := "null"
	if w.res[id] != "" {
		res = fmt.Sprintf(`{"id":"r","name":%q}`, w.res[id])
	}
	return fmt.Sprintf(`{"id":%q,"key":"S-%s","fields":{"status":%s,"project":{"id":"10","key":"S"},"issuetype":{"id":"77","name":"Incident"},"resolution":%s}}`, id, id, w.status(w.at[id]), res)
}

func (w *flow) open(id string) string {
	var list []string
	for _, e := range w.edges[w.at[id]] {
		screen := ""
		if strings.HasSuffix(e, "!") {
			screen = `"resolution":` + resolutionMeta
		}
		tid, to, _ := strings.Cut(strings.TrimSuffix(e, "!"), ">")
		list = append(list, fmt.Sprintf(`{"id":%q,"name":"to %s","to":%s,"isAvailable":true,"fields":{%s}}`, tid, to, w.status(to), screen))
	}
	return `{"transitions":[` + strings.Join(list, ",") + `]}`
}

func (w *flow) take(t *testing.T, id string, body []byte) answer {
	var in struct {
		Transition struct{ ID string }
	}
	json.Unmarshal(body, &in)
	for _, e := range w.edges[w.at[id]] {
		tid, to, _ := strings.Cut(strings.TrimSuffix(e, "!"), ">")
		if tid != in.Transition.ID {
			continue
		}
		a := answer{status: 204}
		if list := w.fail[tid]; len(list) > 0 {
			a, w.fail[tid] = list[0], list[1:]
			if a.err == nil {
				return a
			}
		}
		w.at[id] = to
		w.setResolution(id, body)
		return a
	}
	return answer{status: 400, body: `{"errorMessages":["It seems that you have tried to perform a workflow operation that is not valid for the current state of this issue."],"errors":{}}`}
}

func (w *flow) setResolution(id string, body []byte) {
	var in struct {
		Fields struct{ Resolution struct{ ID string } }
	}
	json.Unmarshal(body, &in)
	if w.res == nil {
		w.res = map[string]string{}
	}
	if r := map[string]string{"31": "Done", "32": "Duplicate"}[in.Fields.Resolution.ID]; r != "" {
		w.res[id] = r
	}
}

func writes(f *fake) int {
	n := 0
	for _, l := range f.lines() {
		if strings.HasSuffix(l, "/transitions") && strings.HasPrefix(l, "POST") || strings.HasPrefix(l, "PUT") {
			n++
		}
	}
	return n
}

func support() *flow {
	return &flow{
		edges: map[string][]string{
			"Open": {"11>Progress", "12>Waiting"}, "Waiting": {"13>Progress"}, "Progress": {"21>Resolved!", "22>Waiting"},
			"Resolved": {"31>Closed", "32>Progress"}, "Closed": nil,
		},
		done: []string{"Resolved", "Closed"}, listed: []string{"Open", "Waiting", "Progress", "Resolved", "Closed"},
		at: map[string]string{"1": "Open"},
	}
}

func TestTransitionDirect(t *testing.T) {
	w := support()
	c, f := w.jira(t)
	if err := c.TransitionTo(t.Context(), "1", Target{Status: "Progress"}); err != nil || w.at["1"] != "Progress" {
		t.Fatal(err, w.at)
	}
	before := len(f.lines())
	if err := c.TransitionTo(t.Context(), "1", Target{Status: "Progress"}); err != nil || len(f.lines()) != before+1 {
		t.Errorf("again: %v, %v", err, f.lines()[before:])
	}
}

// TestTransitionCosts holds the figure of one call for a transition once the workflow is known.
func TestTransitionCosts(t *testing.T) {
	w := support()
	w.at["2"] = "Open"
	c, f := w.jira(t)
	if err := c.TransitionTo(t.Context(), "1", Target{Status: "Progress"}); err != nil {
		t.Fatal(err)
	}
	ticket, err := c.Ticket(t.Context(), "2")
	if err != nil {
		t.Fatal(err)
	}
	before := len(f.lines())
	if err := c.TransitionTo(t.Context(), "2", Target{Status: "s-Progress", Ticket: ticket}); err != nil || len(f.lines()) != before+1 || w.at["2"] != "Progress" {
		t.Error(err, f.lines()[before:])
	}
}

func TestTransitionFindsTheWayByOtherTickets(t *testing.T) {
	w := support()
	w.at["2"], w.at["3"] = "Progress", "Resolved"
	c, f := w.jira(t)
	if err := c.TransitionTo(t.Context(), "1", Target{Status: "Closed", Resolution: ""}); err != nil || w.at["1"] != "Closed" {
		t.Fatal(err, w.at)
	}
	if n := writes(f); n != 3 {
		t.Errorf("%d transitions, the shortest way has 3", n)
	}
	if w.at["2"] != "Progress" || w.at["3"] != "Resolved" {
		t.Error("another ticket was moved")
	}
}

func TestTransitionStepsAheadWhereNobodyShowsTheWay(t *testing.T) {
	for _, noRequests := range []bool{false, true} {
		w := support()
		w.noRequests = noRequests
		c, _ := w.jira(t)
		if err := c.TransitionTo(t.Context(), "1", Target{Status: "Resolved"}); err != nil || w.at["1"] != "Resolved" {
			t.Fatal(err, w.at)
		}
	}
}

func TestTransitionNeverPassesDoneUnlessItEndsThere(t *testing.T) {
	w := &flow{
		edges:  map[string][]string{"Open": {"1>Resolved"}, "Resolved": {"2>Progress"}},
		done:   []string{"Resolved"},
		listed: []string{"Open", "Resolved", "Progress"}, at: map[string]string{"1": "Open", "2": "Resolved"},
	}
	c, f := w.jira(t)
	err := c.TransitionTo(t.Context(), "1", Target{Status: "Progress"})
	var none *NoPath
	if !errors.Is(err, ErrNoPath) || !errors.As(err, &none) || none.At != "Open" || none.Moved || !slices.Equal(none.Open, []string{"to Resolved → Resolved"}) || writes(f) != 0 {
		t.Errorf("%v, %d writes", err, writes(f))
	}
}

func TestTransitionStopsBeforeApprovals(t *testing.T) {
	way := &flow{
		edges:  map[string][]string{"Open": {"1>Approval"}, "Approval": {"2>Progress"}},
		listed: []string{"Open", "Approval", "Progress"}, at: map[string]string{"1": "Open", "2": "Approval"}, approval: map[string]bool{"2": true},
	}
	c, f := way.jira(t)
	if err := c.TransitionTo(t.Context(), "1", Target{Status: "Progress"}); !errors.Is(err, ErrNoPath) || writes(f) != 0 {
		t.Errorf("through another's approval: %v", err)
	}
	way.at["1"], way.approval = "Approval", map[string]bool{"1": true}
	way.edges["Approval"] = []string{"3>Waiting"}
	c, f = way.jira(t)
	err := c.TransitionTo(t.Context(), "1", Target{Status: "Progress"})
	var none *NoPath
	if !errors.As(err, &none) || !none.Approval || writes(f) != 0 {
		t.Errorf("out of a pending approval: %v", err)
	}
	if err := c.TransitionTo(t.Context(), "1", Target{Status: "Waiting"}); err != nil {
		t.Errorf("a direct transition of an agent: %v", err)
	}
}

func TestTransitionToAStatusThatIsNotThere(t *testing.T) {
	w := support()
	c, f := w.jira(t)
	if err := c.TransitionTo(t.Context(), "1", Target{Status: "Escalated"}); !errors.Is(err, ErrNoPath) || writes(f) != 0 || !strings.Contains(err.Error(), "to Progress → Progress") {
		t.Error(err)
	}
}

func TestTransitionPrefersVia(t *testing.T) {
	w := &flow{edges: map[string][]string{"Open": {"1>Progress", "2>Progress", "3>Progress"}}, listed: []string{"Progress"}, at: map[string]string{"1": "Open"}}
	c, f := w.jira(t)
	if err := c.TransitionTo(t.Context(), "1", Target{Status: "Progress", Via: []string{"nothing", "2"}}); err != nil || !strings.Contains(f.last("POST /rest/api/3/issue/1/transitions").Body, `"2"`) {
		t.Error(err, f.last("POST /rest/api/3/issue/1/transitions").Body)
	}
}

func TestTransitionSetsTheResolution(t *testing.T) {
	for _, c := range []struct {
		name       string
		screen     bool
		edit       bool
		resolution string
		set        string
		writes     int
	}{
		{"on the transition's screen", true, true, "Done", "Done", 1},
		{"by id", true, true, "32", "Duplicate", 1},
		{"on the edit screen", false, true, "Duplicate", "Duplicate", 2},
		{"nowhere", false, false, "Done", "", 1},
		{"not offered", true, true, "Cosmic rays", "", 1},
	} {
		w := support()
		w.at["1"], w.edit = "Progress", c.edit
		if !c.screen {
			w.edges["Progress"] = []string{"21>Resolved"}
		}
		client, f := w.jira(t)
		err := client.TransitionTo(t.Context(), "1", Target{Status: "Resolved", Resolution: c.resolution})
		var unset *NoResolution
		if errors.As(err, &unset) == (c.set != "") || err != nil && c.set != "" || w.at["1"] != "Resolved" || w.res["1"] != c.set || writes(f) != c.writes {
			t.Errorf("%s: %v, %v, %v, %d writes", c.name, err, w.at, w.res, writes(f))
		}
		if c.set == "" {
			continue
		}
		if err := client.TransitionTo(t.Context(), "1", Target{Status: "Resolved", Resolution: c.set}); err != nil || writes(f) != c.writes {
			t.Errorf("%s, again: %v, %d writes", c.name, err, writes(f))
		}
	}
}

func TestTransitionAfterALostAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := support()
		w.fail = map[string][]answer{"11": {{err: errors.New("connection reset")}}}
		c, f := w.jira(t)
		if err := c.TransitionTo(t.Context(), "1", Target{Status: "Progress"}); err != nil || writes(f) != 1 {
			t.Errorf("applied: %v, %d writes", err, writes(f))
		}
		w = support()
		w.fail = map[string][]answer{"11": {{status: 502}}}
		c, f = w.jira(t)
		if err := c.TransitionTo(t.Context(), "1", Target{Status: "Progress"}); !MaybeApplied(err) || writes(f) != 1 {
			t.Errorf("not applied (yet): %v, %d writes", err, writes(f))
		}
	})
}

func TestTransitionLearnsAnewWhenRefused(t *testing.T) {
	w := support()
	w.at["2"] = "Open"
	c, f := w.jira(t)
	if err := c.TransitionTo(t.Context(), "1", Target{Status: "Progress"}); err != nil {
		t.Fatal(err)
	}
	w.edges["Open"] = []string{"19>Progress"} // an administrator changed the workflow
	if err := c.TransitionTo(t.Context(), "2", Target{Status: "Progress"}); err != nil || w.at["2"] != "Progress" {
		t.Error(err, f.lines())
	}
}

func TestTransitionRefusedByAValidator(t *testing.T) {
	w := support()
	w.fail = map[string][]answer{"11": {{status: 400, body: `{"errorMessages":[],"errors":{"assignee":"Assignee is required."}}`}}}
	c, f := w.jira(t)
	err := c.TransitionTo(t.Context(), "1", Target{Status: "Progress"})
	var bad *FieldErrors
	if !errors.As(err, &bad) || bad.Fields["assignee"] == "" || writes(f) != 1 {
		t.Error(err, f.lines())
	}
}

func TestTransitionWalkIsBounded(t *testing.T) {
	w := &flow{edges: map[string][]string{}, listed: []string{"Far"}, at: map[string]string{"1": "n0"}}
	for i := range 20 {
		w.edges[fmt.Sprintf("n%d", i)] = []string{fmt.Sprintf("%d>n%d", i+1, i+1)}
	}
	c, f := w.jira(t)
	err := c.TransitionTo(t.Context(), "1", Target{Status: "Far"})
	var none *NoPath
	if !errors.As(err, &none) || !none.Moved || writes(f) > maxBlind {
		t.Errorf("%v after %d steps", err, writes(f))
	}
}
