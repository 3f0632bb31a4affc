package sim

import (
	"fmt"
	"net/http"
	"slices"
)

// A level is a security level of the project: who may see the issues that stand at it. An issue without level
// is open to everybody who may browse.
type level struct {
	id, name, description string
	roles                 []Role
}

func (t *Tenant) securityRoutes(r *router) {
	r.add("GET", "/rest/api/{v}/project/{project}/securitylevel", func(c *call) answer {
		return c.inProject(func(*project) answer {
			out := []any{}
			for _, l := range c.t.lists.levels {
				if l.open(c.me) {
					out = append(out, c.t.levelBean(l))
				}
			}
			return ok(obj{"levels": out})
		})
	})
	r.add("GET", "/rest/api/{v}/securitylevel/{id}", func(c *call) answer {
		if l := c.t.level(c.v("id")); l != nil && l.open(c.me) {
			return ok(c.t.levelBean(l))
		}
		return refuse(http.StatusNotFound, "The security level does not exist.")
	})
}

func (t *Tenant) growSecurity() error {
	for _, s := range t.seed.Security {
		if s.Name == "" || len(s.Roles) == 0 {
			return fmt.Errorf("%w: a security level needs a name and roles", ErrSeed)
		}
		t.lists.levels = append(t.lists.levels, &level{t.nextText("level"), s.Name, s.Description, s.Roles})
	}
	return nil
}

func (t *Tenant) levelBean(l *level) obj {
	return obj{"self": t.url + "/rest/api/3/securitylevel/" + l.id, "id": l.id, "name": l.name, "description": l.description}
}

func (t *Tenant) level(id string) *level {
	for _, l := range t.lists.levels {
		if l.id == id {
			return l
		}
	}
	return nil
}

func (l *level) open(me *user) bool { return me != nil && slices.Contains(l.roles, me.role) }

// sees tells whether an account may see an issue on the platform.
func (t *Tenant) sees(me *user, is *issue) bool { return me.browses() && t.cleared(me, is) }

// cleared tells whether the issue's security level, where it has one, is open to the account.
func (t *Tenant) cleared(me *user, is *issue) bool {
	id := is.str("security")
	if id == "" {
		return true
	}
	l := t.level(id)
	return l != nil && l.open(me)
}
