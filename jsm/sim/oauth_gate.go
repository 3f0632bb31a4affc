package sim

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const gatePath = "/ex/jira/"

// ungate takes the gateway's part off a request's path. cloud is the id in it; "" where the request came straight to the site.
func ungate(r *http.Request) (inner *http.Request, cloud string) {
	rest, gated := strings.CutPrefix(r.URL.EscapedPath(), gatePath)
	cloud, path, _ := strings.Cut(rest, "/")
	if !gated || cloud == "" || !strings.HasPrefix(path, "rest/") && !strings.HasPrefix(path, "jsm/") {
		return r, ""
	}
	plain, err := url.PathUnescape("/" + path)
	if err != nil {
		return r, ""
	}
	in := *r
	at := *r.URL
	at.Path, at.RawPath = plain, "/"+path
	in.URL = &at
	return &in, cloud
}

// admit says who calls, or how they are refused. The site takes e-mail and classic API token, the gateway an
// OAuth access token or e-mail and scoped API token; neither takes the other's.
func (c *call) admit() (who *user, refusal answer, fine bool) {
	if strings.HasPrefix(c.r.URL.Path, "/oauth/") { // these look at credentials themselves
		return nil, answer{}, true
	}
	if c.cloud == "" {
		who, fine := c.t.authenticate(c.r)
		return who, unauthorized(), fine
	}
	stranger := gateRefuse(http.StatusUnauthorized, "Unauthorized")
	if c.cloud != c.t.cloudID {
		return nil, gateRefuse(http.StatusNotFound, "Not Found"), false
	}
	pass := c.t.passOf(c.r)
	if pass == nil || pass.dead || !pass.who.active || !c.now.Before(pass.until) {
		return nil, stranger, false
	}
	if need := scopeOf(c.ep); need != "" && !slices.Contains(pass.scopes, need) {
		return nil, gateRefuse(http.StatusUnauthorized, "Unauthorized; scope does not match"), false
	}
	return pass.who, answer{}, true
}

// passOf finds the access or scoped token of a request.
func (t *Tenant) passOf(r *http.Request) *access {
	o := t.theOAuth()
	if email, token, basic := r.BasicAuth(); basic {
		if p := o.scoped[token]; p != nil && strings.EqualFold(p.who.email, email) {
			return p
		}
		return nil
	}
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer {
		return nil
	}
	return o.access[token]
}

// gateRefuse is the gateway's shape of an error.
func gateRefuse(status int, message string) answer {
	return answer{status: status, body: obj{"code": status, "message": message}}
}

// scopeOf is the classic scope that Atlassian's API descriptions name for an endpoint; "" where they name none. Admin
// webhooks are in none of them.
func scopeOf(ep *endpoint) string {
	if ep == nil {
		return ""
	}
	_, path, _ := strings.Cut(ep.name, " ")
	has := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(path, p) })
	}
	desk := strings.HasPrefix(path, "/rest/servicedeskapi/")
	switch {
	case strings.HasSuffix(path, "/serverInfo"), desk && strings.HasSuffix(path, "/info"):
		return ""
	case !desk && has("/assets/"):
		return "read:cmdb-object:jira"
	case has("/securitylevel/{id}"):
		return "manage:jira-configuration"
	case strings.HasSuffix(path, "{v}/version"), strings.HasSuffix(path, "{v}/component"):
		return "manage:jira-project"
	case has("/webhook"):
		return "manage:jira-webhook"
	case desk && has("/customer", "/organization"):
		return "manage:servicedesk-customer"
	case desk && has("/sla", "/queue"):
		return "read:jira-work"
	case desk && has("{desk}/knowledgebase"):
		return "read:knowledgebase:jira-service-management"
	case desk && has("/comment/{id}/attachment"):
		return "read:request.attachment:jira-service-management"
	case desk && ep.method == http.MethodGet:
		return "read:servicedesk-request"
	case desk:
		return "write:servicedesk-request"
	case has("/group/member", "/priority/search", "{field}/context"):
		return "manage:jira-configuration"
	case has("/user", "/myself", "/group"):
		return "read:jira-user"
	case isWrite(ep.method, ep.name):
		return "write:jira-work"
	}
	return "read:jira-work"
}

// accessibleResources lists this site for an access token that opens it.
func accessibleResources(c *call) answer {
	pass := c.t.passOf(c.r)
	if pass == nil || pass.dead || pass.app == nil || !c.now.Before(pass.until) {
		return gateRefuse(http.StatusUnauthorized, "Unauthorized")
	}
	return ok([]any{obj{"id": c.t.cloudID, "url": c.t.url, "name": c.t.name, "scopes": pass.scopes, "avatarUrl": c.t.url + "/avatar/site"}})
}
