package sim

import (
	"fmt"
	"slices"
)

// grow builds the tenant from its seed. The order of the steps is the order in which ids are given out.
func (t *Tenant) grow() error {
	for _, step := range []func() error{t.growPeople, t.growLists, t.growSecurity, t.growAssets, t.growFields, t.growWorkflow, t.growDesk} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tenant) growPeople() error {
	for _, p := range t.seed.People {
		if t.people.byEmail[p.Email] != nil {
			return fmt.Errorf("%w: %s twice", ErrSeed, p.Email)
		}
		if _, err := t.addPerson(p); err != nil {
			return err
		}
	}
	staff := &group{name: "jira-servicedesk-users-" + t.name, id: accountID("group staff", t.name, false)[7:]}
	admins := &group{name: "jira-administrators-" + t.name, id: accountID("group admins", t.name, false)[7:]}
	for _, u := range t.people.list {
		if u.licensed() {
			staff.members = append(staff.members, u.id)
		}
		if u.admin() {
			admins.members = append(admins.members, u.id)
		}
	}
	t.people.groups = []*group{staff, admins}
	for _, g := range t.seed.Groups {
		members, err := t.members(g)
		if err != nil {
			return err
		}
		t.people.groups = append(t.people.groups, &group{name: g.Name, id: accountID("group "+g.Name, t.name, false)[7:], members: members})
	}
	for _, o := range t.seed.Organizations {
		members, err := t.members(o)
		if err != nil {
			return err
		}
		org := t.addOrganization(o.Name)
		org.members, org.linked = members, !o.Apart
	}
	return nil
}

func (t *Tenant) members(g seedGroup) ([]string, error) {
	var ids []string
	for _, m := range g.Members {
		u := t.person(m)
		if u == nil {
			return nil, fmt.Errorf("%w: %s is not among the people, but a member of %s", ErrSeed, m, g.Name)
		}
		ids = append(ids, u.id)
	}
	return ids, nil
}

func (t *Tenant) growLists() error {
	s, l := t.seed, &t.lists
	desk := &project{id: t.nextText("project"), key: s.Project, name: s.ProjectName, desk: t.nextText("desk")}
	if desk.name == "" {
		desk.name = s.Project
	}
	l.projects = []*project{desk}
	if s.Other != "" {
		l.projects = append(l.projects, &project{id: t.nextText("project"), key: s.Other, name: s.Other})
	}
	for i, name := range s.Priorities {
		l.priorities = append(l.priorities, named{t.nextText("priority"), name, priorityColours[min(i, len(priorityColours)-1)]})
	}
	for _, name := range s.Resolutions {
		l.resolutions = append(l.resolutions, named{t.nextText("resolution"), name, "Work on this is over: " + name + "."})
	}
	for _, name := range s.IssueTypes {
		l.issueTypes = append(l.issueTypes, named{t.nextText("issuetype"), name, ""})
	}
	for _, name := range s.Subtasks {
		it := named{t.nextText("issuetype"), name, ""}
		l.issueTypes, l.subtasks = append(l.issueTypes, it), append(l.subtasks, it.id)
	}
	for _, name := range s.Components {
		l.components = append(l.components, named{t.nextText("component"), name, ""})
	}
	for i, name := range s.Versions {
		l.versions = append(l.versions, version{id: t.nextText("version"), name: name, released: i == 0})
	}
	for _, st := range s.Statuses {
		if !slices.Contains([]string{"new", "indeterminate", "done"}, st.Category) {
			return fmt.Errorf("%w: status %q has category %q", ErrSeed, st.Name, st.Category)
		}
		l.statuses = append(l.statuses, &status{t.nextText("status"), st.Name, st.Category})
	}
	for _, k := range [][3]string{{"Blocks", "is blocked by", "blocks"}, {"Relates", "relates to", "relates to"}, {"Duplicate", "is duplicated by", "duplicates"}} {
		l.linkTypes = append(l.linkTypes, &linkType{t.nextText("linktype"), k[0], k[1], k[2]})
	}
	return nil
}

var priorityColours = []string{"#cd1316", "#e9494a", "#ea7d24", "#2a8735", "#55a557"}

func (t *Tenant) growFields() error {
	l := &t.lists
	l.fields = systemFields()
	for _, s := range t.seed.Fields {
		if _, known := kinds[kind(s.Type)]; !known || kinds[kind(s.Type)].custom == "" {
			return fmt.Errorf("%w: field %q has the unknown type %q", ErrSeed, s.Name, s.Type)
		}
		l.fields = append(l.fields, t.customField(s))
	}
	for _, s := range t.seed.SLAs {
		l.fields = append(l.fields, t.customField(seedField{Name: s.Name, Type: string(kSLA)}))
	}
	l.byField = make(map[string]*field, len(l.fields))
	l.byKind = map[kind]*field{}
	for _, f := range l.fields {
		l.byField[f.id] = f
		if l.byKind[f.kind] == nil {
			l.byKind[f.kind] = f
		}
	}
	for _, k := range []kind{kRequestType, kOrgs, kParticipants, kApprovals} {
		if t.fieldOfKind(k) == nil {
			return fmt.Errorf("%w: no field of type %q", ErrSeed, k)
		}
	}
	return nil
}
