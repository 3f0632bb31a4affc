package rules

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"

	"parley/conf"
	"parley/jsm"
	"parley/replica"
)

// From what a service desk knows of a request beside its fields to what the peer is shown of it: approvals, clocks, the
// portal's words, the customer's rating, articles. All are read with the ticket; nothing in them moves with the time of
// day, so an untouched ticket shows the same an hour later.

// serviceKinds are the kinds of their items. A queue has none: it is the receiver's own filter.
var serviceKinds = map[string]string{"approvals": "approval", "sla": "sla", "portal": "portal", "satisfaction": "satisfaction", "knowledge": "knowledge"}

// serviceOf names the entity behind an item; empty where it is none of these.
func serviceOf(p replica.Path) string {
	for entity, kind := range serviceKinds {
		if p.Kind() == kind {
			return entity
		}
	}
	return ""
}

// outService is the rule of one such entity.
type outService struct {
	e     conf.Entity
	when  *expr
	never string
}

// service is a connection's rules about them, by entity, and the fields that they are read from.
type service struct {
	out    map[string]*outService
	in     map[string]*inService
	clocks []jsm.Field // of SLAType
	fields map[string]jsm.Field
}

// serviceVariable is what when can read of an entity beside ticket or view.
func serviceVariable(entity string) []string {
	switch entity {
	case "approvals":
		return []string{"approval"}
	case "sla":
		return []string{"sla"}
	}
	return nil
}

// outService compiles a table; ok is false where e is something else.
func (c *compiler) outService(e conf.Entity) (ok bool) {
	if !conf.ServiceEntity(e.Name.Value) {
		return false
	}
	o := &outService{e: e, when: c.condition(e.When, append(serviceVariable(e.Name.Value), "ticket")...), never: c.gate.forbids(e.Name.Value)}
	c.neverWarning(e.Name, o.never)
	c.knowService()
	if c.service.out == nil {
		c.service.out = map[string]*outService{}
	}
	c.service.out[e.Name.Value] = o
	return true
}

// knowService finds the fields that Jira fills: by type, since their names are localised.
func (c *compiler) knowService() {
	if c.schema == nil || c.service.fields != nil {
		return
	}
	c.service.fields = map[string]jsm.Field{}
	of := map[jsm.FieldType]string{jsm.ApprovalsType: "approvals", jsm.FeedbackType: "satisfaction", jsm.RequestTypeType: "portal"}
	for _, f := range c.schema.Fields {
		if f.Type == jsm.SLAType {
			c.service.clocks = append(c.service.clocks, f)
		}
		if entity := of[f.Type]; entity != "" {
			c.service.fields[entity] = f
		}
	}
}

// reads lists the field ids that must be read for them.
func (s *service) reads() (ids []string) {
	field := func(entity string) {
		if f, ok := s.fields[entity]; ok {
			ids = append(ids, f.ID)
		}
	}
	for _, entity := range []string{"approvals", "portal", "satisfaction"} {
		if s.out[entity] != nil {
			field(entity)
		}
	}
	if f, ok := s.fields["satisfaction"]; ok && s.out["satisfaction"] != nil {
		ids = append(ids, jsm.RatingWords(f.ID))
	}
	if in := s.in["approvals"]; in != nil && in.e.As.Value == "answer" {
		field("approvals")
	}
	both := s.in["sla"] != nil && s.in["sla"].e.Service.Clock.Value == "both"
	for _, f := range s.clocks {
		if s.out["sla"] != nil || both {
			ids = append(ids, f.ID)
		}
	}
	pages := slices.ContainsFunc([]string{"knowledge", "portal"}, func(entity string) bool {
		return s.in[entity] != nil && s.in[entity].e.As.Value == "web_link"
	})
	if pages || s.out["knowledge"] != nil {
		ids = append(ids, jsm.WebLinkList)
	}
	return ids
}

// governsService is the text of the rule that decides about an item; known is false where it is none of these.
func (r *Rules) governsService(p replica.Path) (text string, known bool) {
	entity := serviceOf(p)
	if entity == "" {
		return "", false
	}
	if o := r.service.out[entity]; o != nil && o.never == "" {
		text = r.ruleText(o.e)
	}
	return text, true
}

// serviceShapes are the types of the variables approval and sla.
func serviceShapes(shapes map[string]*shape) {
	str, at := cel.StringType, cel.TimestampType
	shapes["approval"] = newShape("approval", map[string]*cel.Type{"name": str, "decision": str, "created": at, "completed": at, "approvers": cel.ListType(personType)})
	shapes["sla"] = newShape("sla", map[string]*cel.Type{"name": str, "goal": cel.DoubleType, "breach": at, "completed": at, "paused": cel.BoolType, "breached": cel.BoolType})
}

// approvalRecord is the variable approval. completed is missing while it is pending.
func approvalRecord(name, decision string, created, completed time.Time, approvers []*record) *record {
	m := map[string]any{"name": name, "decision": decision, "approvers": approvers}
	put(m, "created", created)
	put(m, "completed", completed)
	return fields("approval", m)
}

// slaRecord is the variable sla: goal in seconds. breach is missing while a pause puts it off, completed while it runs.
func slaRecord(c replica.SLA) *record {
	m := map[string]any{"name": c.Name, "paused": c.Paused, "breached": c.Breached}
	if c.Goal > 0 {
		m["goal"] = float64(c.Goal) / 1000
	}
	if c.Breach != 0 {
		m["breach"] = millis(c.Breach)
	}
	if c.Completed != 0 {
		m["completed"] = millis(c.Completed)
	}
	return fields("sla", m)
}

func put(m map[string]any, key string, t time.Time) {
	if !t.IsZero() {
		m[key] = t
	}
}

func stampOf(t time.Time) replica.Time {
	if t.IsZero() {
		return 0
	}
	return replica.Time(max(t.UnixMilli(), 0))
}

// serviceItems adds what the desk knows of the request to the view.
func (v *viewer) serviceItems() {
	for _, one := range []struct {
		entity string
		show   func(*outService) error
	}{
		{"approvals", v.approvals}, {"sla", v.clocks}, {"portal", v.portal}, {"satisfaction", v.rating}, {"knowledge", v.articles},
	} {
		o := v.r.service.out[one.entity]
		if o == nil {
			continue
		}
		if err := one.show(o); err != nil {
			v.held = append(v.held, Held{Path: replica.Path(serviceKinds[one.entity]), Class: Definite, Code: Unreadable, Rule: place(o.e.Name.Pos),
				Reason: fmt.Sprintf("%s of %s cannot be read: %s.", one.entity, v.in.Ticket.Key, err), Next: "Look at it in Jira; it is tried again with the next change."})
		}
	}
}

// raw reads a field that Jira fills; nil: empty, or the tenant has none.
func (v *viewer) raw(f jsm.Field, ok bool) (jsm.Raw, error) {
	if !ok {
		return nil, nil
	}
	return rawOf(v.in.Ticket, f)
}

func rawOf(t *jsm.Ticket, f jsm.Field) (jsm.Raw, error) {
	val, err := t.Value(jsm.Field{ID: f.ID, Name: f.Name, Type: jsm.UnknownType})
	if err != nil || val == nil {
		return nil, err
	}
	raw, _ := val.(jsm.Raw)
	return raw, nil
}

// item puts one item into the view, where its rule and the policy let it.
func (v *viewer) item(o *outService, p replica.Path, s scope, val replica.Value, at int64) {
	if o.when != nil {
		ok, err := o.when.test(&s)
		if err != nil {
			v.held = append(v.held, Held{Path: p, Class: Definite, Code: Expression, Rule: place(o.e.When.Pos),
				Reason: fmt.Sprintf("%s of %s is not sent: when cannot be decided, since %s.", p, v.in.Ticket.Key, err), Next: "Correct the condition, or guard it with has()."})
		} else if !ok {
			v.stays(p, o.e.When.Pos, "when does not hold")
		}
		if err != nil || !ok {
			return
		}
	}
	if o.never != "" {
		v.held = append(v.held, dropped(p, o.never, place(o.e.Name.Pos)))
		return
	}
	v.view[p] = replica.NewItem(val, at)
}

func (v *viewer) approvals(o *outService) error {
	f, ok := v.r.service.fields["approvals"]
	raw, err := v.raw(f, ok)
	if err != nil || raw == nil {
		return err
	}
	list, err := jsm.DecodeApprovals(raw)
	if err != nil {
		return err
	}
	for _, a := range list {
		out := replica.Approval{Name: replica.Fit(a.Name), Decision: string(a.Decision), Created: stampOf(a.Created), Completed: stampOf(a.Completed)}
		var people []*record
		for _, one := range a.Approvers[:min(len(a.Approvers), replica.MaxApprovers)] {
			out.Approvers = append(out.Approvers, replica.Approver{Person: v.person(one.Person), Decision: string(one.Decision)})
			people = append(people, localPerson(one.Person))
		}
		s := *v.scope
		s.approval = approvalRecord(a.Name, string(a.Decision), a.Created, a.Completed, people)
		v.item(o, replica.Path("approval/"+a.ID), s, out, int64(max(out.Created, out.Completed)))
	}
	return nil
}

func (v *viewer) clocks(o *outService) error {
	for _, f := range v.r.service.clocks {
		raw, err := v.raw(f, true)
		if err != nil {
			return err
		}
		if raw == nil {
			continue // it does not apply
		}
		c, at, id, err := clockOf(raw)
		if err != nil {
			return err
		}
		if id == "" {
			continue // it has not begun
		}
		s := *v.scope
		s.sla = slaRecord(c)
		v.item(o, replica.Path("sla/"+id), s, c, at)
	}
	return nil
}

// clockOf is a clock's newest run, since when it runs or stands, and its id; no id: it has not begun.
func clockOf(raw jsm.Raw) (c replica.SLA, at int64, id string, err error) {
	s, err := jsm.DecodeSLA(raw)
	if err != nil {
		return c, 0, "", err
	}
	run := s.Running
	if run == nil {
		if len(s.Done) == 0 {
			return c, 0, "", nil
		}
		run = &s.Done[len(s.Done)-1]
	}
	c = replica.SLA{Name: replica.Fit(s.Name), Goal: run.Goal.Milliseconds(), Breach: stampOf(run.Breach), Completed: stampOf(run.Stop), Paused: run.Paused, Breached: run.Breached}
	return c, int64(max(stampOf(run.Start), c.Completed)), s.ID, nil
}

func (v *viewer) portal(o *outService) error {
	f, ok := v.r.service.fields["portal"]
	raw, err := v.raw(f, ok)
	if err != nil || raw == nil {
		return err
	}
	p, err := jsm.DecodePortal(json.RawMessage(raw))
	if err != nil || p == (jsm.Portal{}) {
		return err
	}
	v.item(o, "portal", *v.scope, replica.Portal{Status: replica.Fit(p.Status), URL: address(p.URL)}, v.stamps["status"])
	return nil
}

func (v *viewer) rating(o *outService) error {
	f, ok := v.r.service.fields["satisfaction"]
	raw, err := v.raw(f, ok)
	if err != nil || raw == nil {
		return err
	}
	stars, err := jsm.DecodeRating(raw)
	if err != nil {
		return err
	}
	if words := v.in.Ticket.Rating; words != nil && words.Stars == stars.Stars {
		stars.Text = words.Text
	}
	v.item(o, "satisfaction", *v.scope, replica.Rating{Stars: stars.Stars, Text: clipTo(stars.Text, maxRating)}, v.stamps[f.ID])
	return nil
}

const maxRating = 32_767 // characters: no text of Jira's is longer

func clipTo(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

// articles are web links to pages of the knowledge base that a person tied to the ticket.
func (v *viewer) articles(o *outService) error {
	for _, l := range v.in.Ticket.WebLinks {
		url := address(l.URL)
		if !l.Article() || strings.HasPrefix(l.GlobalID, OursGlobally) || url == "" || l.ID == "" {
			continue
		}
		title := l.Title
		if strings.TrimSpace(title) == "" {
			title = url
		}
		v.item(o, replica.Path("knowledge/"+l.ID), *v.scope, replica.Article{Title: replica.Fit(title), URL: url}, 0)
	}
	return nil
}

// address is an address as an item can hold it; one that is too long for any browser is none.
func address(url string) string {
	if len(url) > maxAddress {
		return ""
	}
	return url
}
