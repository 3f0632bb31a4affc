package sim

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/mail"
	"slices"
	"strconv"
	"strings"
)

func (t *Tenant) orgRoutes(r *router) {
	r.add("GET", "/rest/servicedeskapi/organization", listOrganizations)
	r.add("POST", "/rest/servicedeskapi/organization", createOrganization)
	r.add("GET", "/rest/servicedeskapi/organization/{org}", func(c *call) answer {
		return c.inOrg(func(o *organization) answer { return ok(c.t.orgBean(o, c.me)) })
	})
	r.add("DELETE", "/rest/servicedeskapi/organization/{org}", deleteOrganization)
	r.add("GET", "/rest/servicedeskapi/organization/{org}/user", func(c *call) answer {
		return c.inOrg(func(o *organization) answer {
			out := []any{}
			for _, id := range o.members {
				out = append(out, c.t.deskUser(c.t.people.byID[id], c.me))
			}
			return deskPage(c, out)
		})
	})
	r.add("POST", "/rest/servicedeskapi/organization/{org}/user", changeMembers)
	r.add("DELETE", "/rest/servicedeskapi/organization/{org}/user", changeMembers)
	r.add("GET", "/rest/servicedeskapi/organization/{org}/property", orgProperty)
	r.add("GET", "/rest/servicedeskapi/organization/{org}/property/{property}", orgProperty)
	r.add("PUT", "/rest/servicedeskapi/organization/{org}/property/{property}", orgProperty)
	r.add("DELETE", "/rest/servicedeskapi/organization/{org}/property/{property}", orgProperty)
	r.add("GET", "/rest/servicedeskapi/servicedesk/{desk}/organization", func(c *call) answer {
		if !c.me.licensed() {
			return noLicence()
		}
		return c.inDesk(func(*project) answer {
			return c.orgPage(func(o *organization) bool {
				return o.linked && (c.q.Get("accountId") == "" || slices.Contains(o.members, c.q.Get("accountId")))
			})
		})
	})
	r.add("POST", "/rest/servicedeskapi/servicedesk/{desk}/organization", linkOrganization)
	r.add("DELETE", "/rest/servicedeskapi/servicedesk/{desk}/organization", linkOrganization)
	r.add("POST", "/rest/servicedeskapi/customer", createCustomer)
	r.add("GET", "/rest/servicedeskapi/servicedesk/{desk}/customer", listCustomers)
	r.add("POST", "/rest/servicedeskapi/servicedesk/{desk}/customer", addCustomers)
	r.add("DELETE", "/rest/servicedeskapi/servicedesk/{desk}/customer", addCustomers)
}

func (t *Tenant) orgBean(o *organization, me *user) obj {
	return obj{"id": o.id, "name": o.name, "uuid": o.uuid, "scimManaged": false, "created": deskDate(o.created, me, t.now()),
		"_links": obj{"self": t.url + "/rest/servicedeskapi/organization/" + o.id}}
}

func (c *call) orgPage(keep func(o *organization) bool) answer {
	out := []any{}
	for _, o := range c.t.lists.orgs {
		if keep(o) {
			out = append(out, c.t.orgBean(o, c.me))
		}
	}
	return deskPage(c, out)
}

// listOrganizations shows agents all, others those that they belong to.
func listOrganizations(c *call) answer {
	who := c.q.Get("accountId")
	return c.orgPage(func(o *organization) bool {
		return (c.me.licensed() || slices.Contains(o.members, c.me.id)) && (who == "" || slices.Contains(o.members, who))
	})
}

// createOrganization answers 201 also where the name exists: with the existing one.
func createOrganization(c *call) answer {
	if !c.me.licensed() {
		return noLicence()
	}
	var in struct {
		Name string `json:"name"`
	}
	if a, fine := c.decodeDesk(&in); !fine {
		return a
	}
	name := strings.TrimSpace(in.Name)
	if name == "" || textLength(name) > 200 {
		return badRequest("sd.organisation.name.invalid", "The organization name must be between 1 and 200 characters long.")
	}
	for _, o := range c.t.lists.orgs {
		if o.name == name {
			return created(c.t.orgBean(o, c.me))
		}
	}
	return created(c.t.orgBean(c.t.addOrganization(name), c.me))
}

func (c *call) inOrg(run func(o *organization) answer) answer {
	o := c.t.organization(c.v("org"))
	if o == nil || !c.me.licensed() && !slices.Contains(o.members, c.me.id) {
		return refuseDesk(http.StatusNotFound, "sd.organisation.not.found", "The organization does not exist.")
	}
	return run(o)
}

func deleteOrganization(c *call) answer {
	if !c.me.admin() {
		return refuseDesk(http.StatusForbidden, "sd.organisation.forbidden", "You do not have permission to delete organizations.")
	}
	return c.inOrg(func(o *organization) answer {
		c.t.lists.orgs = slices.DeleteFunc(c.t.lists.orgs, func(x *organization) bool { return x == o })
		return noContent()
	})
}

func changeMembers(c *call) answer {
	if !c.me.licensed() {
		return noLicence()
	}
	return c.inOrg(func(o *organization) answer {
		ids, a, fine := c.accountIDs()
		if !fine {
			return a
		}
		o.members = removed(o.members, ids)
		if c.r.Method == http.MethodPost {
			o.members = append(o.members, ids...)
		}
		return noContent()
	})
}

// accountIDs reads a body of account ids that must all exist.
func (c *call) accountIDs() ([]string, answer, bool) {
	var in struct {
		AccountIDs []string `json:"accountIds"`
	}
	if a, fine := c.decodeDesk(&in); !fine {
		return nil, a, false
	}
	for _, id := range in.AccountIDs {
		if c.t.people.byID[id] == nil {
			return nil, badRequest("sd.user.not.found", fmt.Sprintf("The user with the account ID '%s' does not exist.", id)), false
		}
	}
	return in.AccountIDs, answer{}, true
}

func orgProperty(c *call) answer {
	if !c.me.licensed() {
		return noLicence()
	}
	return c.inOrg(func(o *organization) answer {
		switch c.r.Method {
		case http.MethodGet:
			return c.properties(o.props, c.t.url+"/rest/servicedeskapi/organization/"+o.id+"/property")
		case http.MethodDelete:
			if _, has := o.props[c.v("property")]; !has {
				return refuse(http.StatusNotFound, fmt.Sprintf("The property with key '%s' does not exist.", c.v("property")))
			}
			o.props = maps.Clone(o.props)
			delete(o.props, c.v("property"))
			return noContent()
		}
		key, a, fine := c.readProperty()
		if !fine {
			return a
		}
		_, had := o.props[key]
		o.props = withProps(o.props, map[string]json.RawMessage{key: slices.Clone(c.body)})
		if had {
			return answer{status: http.StatusOK}
		}
		return answer{status: http.StatusCreated}
	})
}

// linkOrganization ties an organization to the desk, or unties it; doing it twice changes nothing.
func linkOrganization(c *call) answer {
	if !c.me.licensed() {
		return noLicence()
	}
	return c.inDesk(func(*project) answer {
		var in struct {
			OrganizationID json.Number `json:"organizationId"`
		}
		if a, fine := c.decodeDesk(&in); !fine {
			return a
		}
		n, err := strconv.ParseInt(in.OrganizationID.String(), 10, 64)
		o := c.t.organization(text(n))
		if err != nil || o == nil {
			return refuseDesk(http.StatusNotFound, "sd.organisation.not.found", "The organization does not exist.")
		}
		o.linked = c.r.Method == http.MethodPost
		return noContent()
	})
}

// createCustomer makes a portal-only customer: Jira administrators only.
func createCustomer(c *call) answer {
	if !c.me.admin() {
		return refuseDesk(http.StatusForbidden, "sd.customer.forbidden", "You need to be a Jira administrator to create customers.")
	}
	var in struct {
		DisplayName string `json:"displayName"`
		FullName    string `json:"fullName"`
		Email       string `json:"email"`
	}
	if a, fine := c.decodeDesk(&in); !fine {
		return a
	}
	if _, err := mail.ParseAddress(in.Email); err != nil {
		return badRequest("sd.customer.email.invalid", "The email address is not valid.")
	}
	if c.t.people.byEmail[strings.ToLower(in.Email)] != nil {
		status := http.StatusBadRequest
		if c.flag("strictConflictStatusCode", false) {
			status = http.StatusConflict
		}
		return refuseDesk(status, "sd.customer.exists", "A user with that email address already exists.")
	}
	name := in.DisplayName
	if name == "" {
		name = in.FullName
	}
	if name == "" {
		name = in.Email
	}
	u, err := c.t.addPerson(seedPerson{Email: in.Email, Name: name, Role: Customer, Portal: true})
	if err != nil {
		return badRequest("sd.customer.invalid", err.Error())
	}
	return created(c.t.deskUser(u, c.me))
}

func listCustomers(c *call) answer {
	if !c.me.licensed() {
		return noLicence()
	}
	return c.inDesk(func(*project) answer {
		out := []any{}
		query := strings.ToLower(c.q.Get("query"))
		for _, u := range c.t.people.list {
			if c.t.desk.customers[u.id] && u.active && (query == "" || c.known(u, query)) {
				out = append(out, c.t.deskUser(u, c.me))
			}
		}
		return deskPage(c, out)
	})
}

// addCustomers adds or removes customers. Unknown ones give 400, but the known ones were changed nevertheless.
func addCustomers(c *call) answer {
	if !c.me.licensed() {
		return noLicence()
	}
	return c.inDesk(func(*project) answer {
		var in struct {
			AccountIDs []string `json:"accountIds"`
		}
		if a, fine := c.decodeDesk(&in); !fine {
			return a
		}
		unknown := ""
		for _, id := range in.AccountIDs {
			if c.t.people.byID[id] == nil {
				unknown = id
				continue
			}
			if c.r.Method == http.MethodDelete {
				delete(c.t.desk.customers, id)
			} else {
				c.t.desk.customers[id] = true
			}
		}
		if unknown != "" {
			return badRequest("sd.user.not.found", fmt.Sprintf("The user with the account ID '%s' does not exist.", unknown))
		}
		return noContent()
	})
}
