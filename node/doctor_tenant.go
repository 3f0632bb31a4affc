package node

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"parley/conf"
	"parley/jsm"
	"parley/node/rules"
)

// tenant looks at the token, the account, the clock and each project.
func (e *examination) tenant(ctx context.Context, n *Node) {
	if !e.credential(ctx, n) {
		return
	}
	me, err := n.tenant.client.Myself(ctx)
	e.clock(n)
	if err != nil {
		next := n.tenantNext(err)
		if unauthorized(err) && n.tenant.scoped(ctx, n.conf) {
			next = `this API token has scopes, and only the gateway takes it: add gateway = "https://api.atlassian.com" under [tenant] in ` + nodeFile
		}
		e.bad("tenant", err, next)
		return
	}
	e.ok("tenant", "%s answers, as account %s", n.conf.Tenant.URL, me.AccountID)
	if _, err := time.LoadLocation(me.TimeZone); err != nil || me.TimeZone == "" {
		e.look("time zone", "", "the account's time zone %q is not known here; dates that rules compare are taken as UTC", me.TimeZone)
	} else {
		e.ok("time zone", "the account's is %s", me.TimeZone)
	}
	for _, project := range n.projects() {
		e.project(ctx, n, project)
	}
}

// credential looks at the token, and at when it ends.
func (e *examination) credential(ctx context.Context, n *Node) bool {
	if err := n.tenant.probe(ctx, n.conf); err != nil {
		next := "make the token available where parley.toml says it is"
		if n.tenant.login.oauth != nil {
			next = n.tenantNext(err)
		}
		if n.live.Load() == nil && !errors.Is(err, jsm.ErrLogin) {
			next += "; without a running node this command itself must be able to read it"
		}
		e.bad("token", err, next)
		return false
	}
	end := ending(n.conf.Tenant, time.Now())
	s, err := n.authStatus(ctx, Nothing{})
	switch {
	case err != nil:
		e.bad("token", err, "")
	case end.stage == len(expiryStages):
		e.fail("token", end.next, "%s", end.text)
	case s.Next != "":
		e.look("token", s.Next, "%s", s.Detail)
	case n.tenant.login.oauth != nil:
		e.ok("token", "%s", s.Detail)
	case n.conf.Tenant.Expires.IsZero():
		e.look("token", "write the day on which it ends as expires = 2027-03-01 under [tenant], to be warned (Atlassian's tokens last a year at most)", "it is found where %s says", nodeFile)
	default:
		e.ok("token", "it is found where %s says, and good until %s", nodeFile, s.Expires)
	}
	return end.left > 0 // one that has ended is not tried
}

func unauthorized(err error) bool {
	api, ok := errors.AsType[*jsm.APIError](err)
	return ok && api.Status == 401
}

// tenantNext says what to do about a tenant that does not let us in.
func (n *Node) tenantNext(err error) string {
	t := n.conf.Tenant
	api, ok := errors.AsType[*jsm.APIError](err)
	switch {
	case errors.Is(err, jsm.ErrLogin):
		return loginNext
	case jsm.IsScopeMissing(err):
		return "give the token or the client the scopes that it lacks; for a login by consent, then: " + loginNext
	case jsm.GrantError(err) != nil && jsm.GrantError(err).Class == jsm.Transient:
		return "the authorization server has trouble or cannot be reached (outbound TCP 443); it is tried again by itself"
	case jsm.GrantError(err) != nil:
		return "compare client_id, the client's secret and auth_server in " + nodeFile + " with the developer console (of a service account: with the admin page)"
	case ok && api.Status == 401 && n.tenant.login.oauth != nil:
		return "the gateway refuses the access token: " + loginNext + ", or look at the service account"
	case ok && api.Status == 401 && t.Gateway != "":
		return "the gateway refuses user and token: an API token without scopes is for the site itself (remove gateway); else make a new one"
	case !ok:
		return "look at the answer above; url in " + nodeFile + " must be the site's own address"
	case api.Status == 401:
		return "the site refuses user and token: make a new API token for this account (id.atlassian.com), and check user in " + nodeFile
	case api.Status == 403:
		return "the account may not use this site: give it a Jira Service Management licence and access"
	case api.Status == 0:
		return "check url in " + nodeFile + ", name resolution, proxy and firewall (outbound TCP 443)"
	case api.Class == jsm.Tenant:
		return "it is no Jira that answers there, or it asks for a login: check url in " + nodeFile + " (a proxy or a login page may stand in between)"
	}
	return "try again; the site itself has trouble"
}

func (e *examination) clock(n *Node) {
	offset, known := n.tenant.heard.clock()
	if !known {
		return
	}
	switch size := offset.Abs().Round(time.Second); {
	case size > clockAlarm:
		e.fail("clock", "set this machine's clock by NTP", "the tenant's clock and ours are %s apart", size)
	case size > clockWarn:
		e.look("clock", "look at this machine's NTP", "the tenant's clock and ours are %s apart", size)
	default:
		e.ok("clock", "it agrees with the tenant's")
	}
}

// projects are those that published rules and drafts speak of.
func (n *Node) projects() (keys []string) {
	add := func(src *conf.Rules) {
		keys = append(keys, rules.SchemaProject(src))
		for _, p := range src.Projects {
			keys = append(keys, p.Value)
		}
	}
	names, _ := n.led.PublishedConnections() // an unreadable ledger shows under connections
	for _, name := range names {
		if p, err := n.led.PublishedRules(name); err == nil {
			if src, err := source(p); err == nil {
				add(src)
			}
		}
	}
	names, _ = draftNames(n.home) // likewise under rules
	for _, name := range names {
		if src, err := conf.ReadRules(os.DirFS(n.home), draftFile(name)); err == nil {
			add(src)
		}
	}
	slices.Sort(keys)
	return slices.DeleteFunc(slices.Compact(keys), func(k string) bool { return k == "" })
}

// permissions are what a connection may need of the account in a project; the
// names are Jira's (GET permissions).
var permissions = []string{
	"BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES", "TRANSITION_ISSUES",
	"ADD_COMMENTS", "EDIT_OWN_COMMENTS", "DELETE_OWN_COMMENTS",
}

func (e *examination) project(ctx context.Context, n *Node, project string) {
	what := "project " + project
	s, err := n.tenant.schema(ctx, project, 0)
	var missing []string
	if err == nil {
		missing, err = n.tenant.client.Permissions(ctx, project, permissions)
	}
	switch {
	case err != nil && jsm.IsNotFound(err):
		e.bad(what, err, "there is no such project, or the account may not see it: give it the Browse permission there")
	case err != nil:
		e.bad(what, err, n.tenantNext(err))
	case len(missing) > 0:
		e.fail(what, "grant them to the account, most simply by the project's role Service Desk Team", "the account lacks permissions: %s", strings.Join(missing, ", "))
	case s.Desk == "":
		e.look(what, "requests cannot be made in it; make it a service project, or name another in [incoming.create]", "it can be read, but it is no service desk")
	case len(s.Gaps) > 0:
		e.look(what, "give the account the permission to see them, if rules need them", "it can be read, but for: %s", strings.Join(s.Gaps, "; "))
	default:
		e.ok(what, "it can be read: %d fields, %d request types", len(s.Fields), len(s.RequestTypes))
	}
}
