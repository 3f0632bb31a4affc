package sim

import (
	"fmt"
	"slices"
	"strings"

	"parley/jsm/jql"
)

// Call runs the functions that need the tenant. Those that JSM adds for approvals and SLAs give a verdict,
// the others give values.
func (e jqlEnv) Call(info jql.FieldInfo, op jql.Operator, fn jql.Func) (jql.Result, error) {
	name := strings.ToLower(fn.Name)
	switch info.Type {
	case jql.Approval:
		return e.approvalCall(name, fn)
	case jql.SLA:
		return e.slaCall(info, op, name, fn)
	}
	switch name {
	case "membersof", "organizationmembers":
		return e.membersCall(name, fn)
	case "releasedversions", "unreleasedversions", "latestreleasedversion", "earliestunreleasedversion":
		return e.versionCall(info, name)
	case "linkedissues":
		return e.linkedCall(fn)
	case "cascadeoption":
		return e.cascadeCall(info, fn)
	case "standardissuetypes":
		out := jql.Result{List: true}
		for _, it := range e.t.lists.issueTypes {
			out.Values = append(out.Values, jql.Datum{ID: it.id, Name: it.name})
		}
		return out, nil
	}
	return jql.Result{}, jql.ErrNoFunction
}

func (e jqlEnv) approvalCall(name string, fn jql.Func) (jql.Result, error) {
	me := ""
	if e.me != nil {
		me = e.me.id
	}
	who := map[string]bool{}
	for _, a := range fn.Args {
		u := e.t.person(a)
		if u == nil {
			return jql.Result{}, fmt.Errorf("The value '%s' does not exist for the field 'approvals'.", a)
		}
		who[u.id] = true
	}
	judge := func(test func(a *approval, ap approver) bool) jql.Result {
		return jql.Result{Match: func(issue jql.Issue) bool {
			for _, a := range issue.(*issueT).approvals {
				for _, ap := range a.approvers {
					if test(a, ap) {
						return true
					}
				}
			}
			return false
		}}
	}
	open := func(a *approval) bool { return a.decision == "pending" }
	switch name {
	case "approved":
		return judge(func(a *approval, _ approver) bool { return a.decision == "approved" }), nil
	case "pending":
		return judge(func(a *approval, _ approver) bool { return open(a) }), nil
	case "approver":
		return judge(func(_ *approval, ap approver) bool { return who[ap.who.id] }), nil
	case "myapproval":
		return judge(func(_ *approval, ap approver) bool { return ap.who.id == me }), nil
	case "mypending", "mypendingapproval":
		return judge(func(a *approval, ap approver) bool { return open(a) && ap.who.id == me && ap.decision == "pending" }), nil
	case "pendingby":
		return judge(func(a *approval, ap approver) bool { return open(a) && who[ap.who.id] && ap.decision == "pending" }), nil
	}
	return jql.Result{}, jql.ErrNoFunction
}

func (e jqlEnv) slaCall(info jql.FieldInfo, op jql.Operator, name string, fn jql.Func) (jql.Result, error) {
	f := info.Ref.(*field)
	judge := func(test func(c *slaClock) bool) (jql.Result, error) {
		return jql.Result{Match: func(issue jql.Issue) bool {
			c := e.t.clockOf(issue.(*issueT), f)
			return c != nil && test(c)
		}}, nil
	}
	switch name {
	case "breached":
		return judge(func(c *slaClock) bool {
			return c.ongoing != nil && c.ongoing.breached || c.ongoing == nil && len(c.completed) > 0 && c.completed[len(c.completed)-1].breached
		})
	case "everbreached":
		return judge(func(c *slaClock) bool {
			return c.ongoing != nil && c.ongoing.breached || slices.ContainsFunc(c.completed, func(y slaCycle) bool { return y.breached })
		})
	case "completed":
		return judge(func(c *slaClock) bool { return len(c.completed) > 0 && c.ongoing == nil })
	case "running":
		return judge(func(c *slaClock) bool { return c.ongoing != nil && !c.ongoing.paused })
	case "paused":
		return judge(func(c *slaClock) bool { return c.ongoing != nil && c.ongoing.paused })
	case "withincalendarhours":
		return judge(func(*slaClock) bool { return e.t.desk.calendar.working(e.t.now()) })
	case "remaining", "elapsed":
		if len(fn.Args) != 1 {
			return jql.Result{}, fmt.Errorf("Function '%s' expected '1' arguments but received '%d'.", fn.Name, len(fn.Args))
		}
		want, fine := readEstimate(fn.Args[0])
		if !fine {
			return jql.Result{}, fmt.Errorf("Duration '%s' is not valid.", fn.Args[0])
		}
		return judge(func(c *slaClock) bool {
			if c.ongoing == nil {
				return false
			}
			have := c.ongoing.remaining.Seconds()
			if name == "elapsed" {
				have = c.ongoing.elapsed.Seconds()
			}
			return compare(op, have, float64(want))
		})
	}
	return jql.Result{}, jql.ErrNoFunction
}

func compare(op jql.Operator, a, b float64) bool {
	switch op {
	case jql.Less:
		return a < b
	case jql.AtMost:
		return a <= b
	case jql.Greater:
		return a > b
	case jql.AtLeast:
		return a >= b
	}
	return a == b
}

func (e jqlEnv) membersCall(name string, fn jql.Func) (jql.Result, error) {
	out := jql.Result{List: true}
	for _, arg := range fn.Args {
		var members []string
		found := false
		if name == "membersof" {
			for _, g := range e.t.people.groups {
				if strings.EqualFold(g.name, arg) || g.id == arg {
					members, found = g.members, true
				}
			}
		} else {
			for _, o := range e.t.lists.orgs {
				if strings.EqualFold(o.name, arg) || o.id == arg {
					members, found = o.members, true
				}
			}
		}
		if !found {
			return out, fmt.Errorf("Function '%s' can not generate a list of usernames for group '%s'; the group does not exist.", fn.Name, arg)
		}
		for _, id := range members {
			out.Values = append(out.Values, jql.Datum{ID: id})
		}
	}
	return out, nil
}

func (e jqlEnv) versionCall(info jql.FieldInfo, name string) (jql.Result, error) {
	if f, _ := info.Ref.(*field); f == nil || f.kind != kVersion && f.kind != kVersions {
		return jql.Result{}, fmt.Errorf("A value provided by the function '%s' is invalid for the field '%s'.", name, info.ID)
	}
	released := name == "releasedversions" || name == "latestreleasedversion"
	out := jql.Result{List: strings.HasSuffix(name, "versions")}
	for i, v := range e.t.lists.versions {
		if v.released == released {
			out.Values = append(out.Values, jql.Datum{ID: v.id, Name: v.name, Rank: i})
		}
	}
	if !out.List && len(out.Values) > 1 {
		if name == "latestreleasedversion" {
			out.Values = out.Values[len(out.Values)-1:]
		} else {
			out.Values = out.Values[:1]
		}
	}
	return out, nil
}

func (e jqlEnv) linkedCall(fn jql.Func) (jql.Result, error) {
	if len(fn.Args) < 1 || len(fn.Args) > 2 {
		return jql.Result{}, fmt.Errorf("Function 'linkedIssues' expected between '1' and '2' arguments but received '%d'.", len(fn.Args))
	}
	is := e.t.find(fn.Args[0])
	if is == nil {
		return jql.Result{}, fmt.Errorf("Issue '%s' could not be found in function 'linkedIssues'.", fn.Args[0])
	}
	out := jql.Result{List: true}
	for _, l := range is.links {
		other, words := l.outward, l.kind.outward
		if l.outward == is.id {
			other, words = l.inward, l.kind.inward
		}
		o := e.t.issues.byID[other]
		if o != nil && (len(fn.Args) == 1 || strings.EqualFold(words, fn.Args[1])) {
			out.Values = append(out.Values, jql.Datum{ID: o.idText(), Name: o.key})
		}
	}
	return out, nil
}

func (e jqlEnv) cascadeCall(info jql.FieldInfo, fn jql.Func) (jql.Result, error) {
	f, _ := info.Ref.(*field)
	if f == nil || f.kind != kCascade || len(fn.Args) < 1 || len(fn.Args) > 2 {
		return jql.Result{}, fmt.Errorf("A value provided by the function 'cascadeOption' is invalid for the field '%s'.", info.ID)
	}
	return jql.Result{List: true, Match: func(issue jql.Issue) bool {
		ids, has := issue.(*issueT).vals[f.id].([2]string)
		if !has {
			return false
		}
		parent, child := e.t.optionWords(f, ids)
		fits := strings.EqualFold(parent, fn.Args[0]) || ids[0] == fn.Args[0]
		if len(fn.Args) == 2 {
			none := strings.EqualFold(fn.Args[1], "none")
			fits = fits && (none && child == "" || strings.EqualFold(child, fn.Args[1]) || ids[1] == fn.Args[1])
		}
		return fits
	}}, nil
}
