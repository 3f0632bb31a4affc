package sim

import (
	"fmt"
	"testing"
)

func BenchmarkSearchRecent(b *testing.B) {
	tn := MustNew(Config{NoLimits: true})
	agent := tn.As("agent@north.example")
	for i := range 5000 {
		if _, err := agent.CreateRequest("Get IT help", map[string]any{"summary": fmt.Sprint("n", i)}); err != nil {
			b.Fatal(err)
		}
	}
	s := &site{tn: tn, http: clientOf(tn)}
	body := obj{"jql": fmt.Sprintf("project = SUPPORT AND updated >= %d ORDER BY updated ASC, key ASC", tn.Now().UnixMilli()-5), "fields": []string{"updated"}}
	for b.Loop() {
		if r, err := s.try(Sync, "POST", "/rest/api/3/search/jql", body); err != nil || r.status != 200 {
			b.Fatal(r.status, err)
		}
	}
}

func BenchmarkEditAndReturn(b *testing.B) {
	tn := MustNew(Config{NoLimits: true})
	s := &site{tn: tn, http: clientOf(tn)}
	agent := tn.As("agent@north.example")
	keys := make([]string, 100)
	for i := range keys {
		keys[i], _ = agent.CreateRequest("Get IT help", map[string]any{"summary": "x"})
	}
	n := 0
	for b.Loop() {
		n++
		key := keys[n%len(keys)]
		if r, err := s.try(Sync, "PUT", "/rest/api/3/issue/"+key+"?returnIssue=true&expand=changelog", `{"update":{"labels":[{"add":"x"}]}}`); err != nil || r.status != 200 {
			b.Fatal(r.status, err)
		}
	}
}
