package sim

import (
	"net/http"
	"slices"
	"strings"
)

// routes registers everything that the site answers.
func (t *Tenant) routes() *router {
	r := &router{}
	t.siteRoutes(r)
	t.oauthRoutes(r)
	t.metaRoutes(r)
	t.userRoutes(r)
	t.issueRoutes(r)
	t.transitionRoutes(r)
	t.historyRoutes(r)
	t.commentRoutes(r)
	t.attachmentRoutes(r)
	t.watcherRoutes(r)
	t.securityRoutes(r)
	t.createRoutes(r)
	t.assetRoutes(r)
	t.propertyRoutes(r)
	t.searchRoutes(r)
	t.linkRoutes(r)
	t.worklogRoutes(r)
	t.deskRoutes(r)
	t.requestRoutes(r)
	t.requestPeopleRoutes(r)
	t.orgRoutes(r)
	t.webhookRoutes(r)
	t.simRoutes(r)
	return r
}

func (t *Tenant) siteRoutes(r *router) {
	r.add("GET", "/_edge/tenant_info", func(c *call) answer { return ok(obj{"cloudId": c.t.cloudID}) }).open = true
	r.add("GET", "/rest/api/{v}/serverInfo", serverInfo).open = true
	r.add("GET", "/rest/api/{v}/myself", func(c *call) answer {
		b := c.t.userBean(c.me, c.me)
		groups := []any{}
		for _, g := range c.t.people.groups {
			if slices.Contains(g.members, c.me.id) {
				groups = append(groups, obj{"name": g.name, "groupId": g.id, "self": c.t.url + "/rest/api/3/group?groupId=" + g.id})
			}
		}
		b["locale"] = "en_US"
		b["groups"] = obj{"size": len(groups), "items": []any{}}
		if slices.Contains(c.list("expand"), "groups") {
			b["groups"] = obj{"size": len(groups), "items": groups}
		}
		b["applicationRoles"] = obj{"size": 1, "items": []any{}}
		b["expand"] = "groups,applicationRoles"
		c.objects = 2
		return ok(b)
	})
	r.add("GET", "/rest/api/{v}/mypermissions", myPermissions)
}

func serverInfo(c *call) answer {
	return ok(obj{"baseUrl": c.t.url, "displayUrl": c.t.url, "displayUrlServicedeskHelpCenter": c.t.url, "displayUrlConfluence": c.t.url,
		"version": "1001.0.0-SNAPSHOT", "versionNumbers": []int{1001, 0, 0}, "deploymentType": "Cloud", "buildNumber": 100290,
		"buildDate": "2026-11-01T12:00:00.000+0000", "serverTime": c.stamp(c.now), "scmInfo": "simulated", "serverTitle": "Jira",
		"serverTimeZone": "Etc/UTC"})
}

// permission is one of the project's and whether each kind of account has it.
type permission struct {
	key, name string
	global    bool
	has       func(u *user) bool
}

var permissions = func() []permission {
	agent := func(u *user) bool { return u.licensed() }
	reader := func(u *user) bool { return u.browses() }
	admin := func(u *user) bool { return u.admin() }
	return []permission{
		{"BROWSE_PROJECTS", "Browse Projects", false, reader},
		{"CREATE_ISSUES", "Create Issues", false, agent},
		{"EDIT_ISSUES", "Edit Issues", false, agent},
		{"ASSIGN_ISSUES", "Assign Issues", false, agent},
		{"ASSIGNABLE_USER", "Assignable User", false, agent},
		{"CLOSE_ISSUES", "Close Issues", false, agent},
		{"RESOLVE_ISSUES", "Resolve Issues", false, agent},
		{"TRANSITION_ISSUES", "Transition Issues", false, agent},
		{"SCHEDULE_ISSUES", "Schedule Issues", false, agent},
		{"MODIFY_REPORTER", "Modify Reporter", false, agent},
		{"MOVE_ISSUES", "Move Issues", false, admin},
		{"DELETE_ISSUES", "Delete Issues", false, admin},
		{"LINK_ISSUES", "Link Issues", false, agent},
		{"WORK_ON_ISSUES", "Work On Issues", false, agent},
		{"ADD_COMMENTS", "Add Comments", false, reader},
		{"EDIT_ALL_COMMENTS", "Edit All Comments", false, agent},
		{"EDIT_OWN_COMMENTS", "Edit Own Comments", false, reader},
		{"DELETE_ALL_COMMENTS", "Delete All Comments", false, agent},
		{"DELETE_OWN_COMMENTS", "Delete Own Comments", false, reader},
		{"CREATE_ATTACHMENTS", "Create Attachments", false, agent},
		{"DELETE_ALL_ATTACHMENTS", "Delete All Attachments", false, agent},
		{"DELETE_OWN_ATTACHMENTS", "Delete Own Attachments", false, agent},
		{"EDIT_OWN_WORKLOGS", "Edit Own Worklogs", false, agent},
		{"SERVICEDESK_AGENT", "Service Project Agent", false, agent},
		{"ADMINISTER_PROJECTS", "Administer Projects", false, admin},
		{"ADMINISTER", "Administer Jira", true, admin},
		{"USER_PICKER", "Browse users and groups", true, reader},
		{"BULK_CHANGE", "Make bulk changes", true, admin},
		{"MANAGE_WATCHERS", "Manage Watchers", false, agent},
		{"VIEW_VOTERS_AND_WATCHERS", "View Voters and Watchers", false, reader},
		{"SET_ISSUE_SECURITY", "Set Issue Security", false, agent},
		{"EDIT_ALL_WORKLOGS", "Edit All Worklogs", false, agent},
		{"DELETE_OWN_WORKLOGS", "Delete Own Worklogs", false, agent},
		{"DELETE_ALL_WORKLOGS", "Delete All Worklogs", false, agent},
	}
}()

func myPermissions(c *call) answer {
	asked := c.list("permissions")
	if len(asked) == 0 {
		return refuse(http.StatusBadRequest, "The 'permissions' query parameter is required.")
	}
	for _, name := range []string{"projectKey", "projectId"} {
		if p := c.q.Get(name); p != "" && c.t.project(p) == nil {
			return refuse(http.StatusNotFound, "No project could be found with key '"+p+"'.")
		}
	}
	for _, name := range []string{"issueKey", "issueId"} {
		if k := c.q.Get(name); k != "" && (c.t.find(k) == nil || !c.t.sees(c.me, c.t.find(k))) {
			return issueGone()
		}
	}
	out := obj{}
	var unknown []string
	for _, key := range asked {
		i := slices.IndexFunc(permissions, func(p permission) bool { return p.key == key })
		if i < 0 {
			unknown = append(unknown, key)
			continue
		}
		p := permissions[i]
		kind := "PROJECT"
		if p.global {
			kind = "GLOBAL"
		}
		out[key] = obj{"id": text(int64(i + 10)), "key": key, "name": p.name, "type": kind, "description": p.name + ".", "havePermission": p.has(c.me)}
	}
	if unknown != nil {
		return refuse(http.StatusBadRequest, "Unrecognized permission: "+strings.Join(unknown, ", "))
	}
	return ok(obj{"permissions": out})
}
