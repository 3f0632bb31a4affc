package sim

import "parley/jsm/jql"

// hung gives what hangs on an issue rather than being a value of it.
func (e jqlEnv) hung(is *issueT, id string) []jql.Datum {
	var out []jql.Datum
	person := func(id string) {
		if u := e.t.people.byID[id]; u != nil {
			out = append(out, jql.Datum{ID: u.id, Name: u.name})
		}
	}
	switch id {
	case "attachments":
		for _, at := range is.attachments {
			out = append(out, jql.Datum{ID: text(at.id), Name: at.name})
		}
		return out
	case "watchers":
		return []jql.Datum{{Number: float64(len(is.watchers))}}
	case "watcher":
		for _, id := range is.watchers {
			person(id)
		}
		return out
	case "timeSpent":
		if n := seconds(is.worklogs); n > 0 {
			return []jql.Datum{{Number: float64(n)}}
		}
		return nil
	}
	for _, w := range is.worklogs {
		switch {
		case !e.t.seesRestricted(e.me, w.author, w.visibility):
		case id == "worklogAuthor":
			person(w.author.id)
		case id == "worklogDate":
			out = append(out, jql.Datum{Time: w.started})
		case len(w.comment) > 0:
			out = append(out, jql.Datum{Name: adfToText(w.comment)})
		}
	}
	return out
}
