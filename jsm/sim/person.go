package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // the accounts' time zones, also where the machine has no zone files
)

// Role says what an account may do.
type Role string

// The roles. Agent, Sync, Human, Admin and Approver hold a JSM licence; a Customer sees only the portal's
// side; a Guest is a Jira user without a JSM licence.
const (
	Agent    Role = "agent"
	Sync     Role = "sync"
	Human    Role = "human" // a second person with the agent's rights, to edit beside the sync account
	Admin    Role = "admin"
	Approver Role = "approver"
	Customer Role = "customer"
	Guest    Role = "guest"
)

// Account is a person as `parley sim` prints it.
type Account struct {
	Email string `json:"email"`
	Token string `json:"token"`
	Role  Role   `json:"role"`
	Name  string `json:"name"`
	ID    string `json:"accountId"`
}

// accountID is the same for the same address on every Cloud site, as Atlassian accounts are; a portal-only
// customer's id belongs to its site.
func accountID(email, site string, portal bool) string {
	sum := sha256.Sum256([]byte(strings.ToLower(email)))
	if portal {
		at := sha256.Sum256([]byte("site " + site))
		return "qm:" + uuid(at[:]) + ":" + uuid(sum[:])
	}
	return "712020:" + uuid(sum[:])
}

// uuid shapes 16 bytes as a version 4 UUID.
func uuid(b []byte) string {
	u := [16]byte(b[:16])
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	h := hex.EncodeToString(u[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// addPerson makes an account and gives it its token, which follows from site and address.
func (t *Tenant) addPerson(p seedPerson) (*user, error) {
	zone := p.TimeZone
	if zone == "" {
		zone = "Etc/UTC"
	}
	tz, err := time.LoadLocation(zone)
	if err != nil {
		return nil, fmt.Errorf("%w: time zone of %s: %v", ErrSeed, p.Email, err)
	}
	sum := sha256.Sum256([]byte("token " + t.name + " " + p.Email))
	u := &user{id: accountID(p.Email, t.name, p.Portal), email: p.Email, name: p.Name, role: p.Role,
		token: "ATATT-sim-" + hex.EncodeToString(sum[:12]), tz: tz, hidden: p.Hidden, active: !p.Inactive}
	t.people.list = append(t.people.list, u)
	t.people.byID[u.id] = u
	t.people.byEmail[strings.ToLower(u.email)] = u
	return u, nil
}

// userBean is a user as the platform shows it to me.
func (t *Tenant) userBean(u, me *user) obj {
	if u == nil {
		return nil
	}
	kind := "atlassian"
	if u.role == Customer {
		kind = "customer"
	}
	self := t.url + "/rest/api/3/user?accountId=" + u.id
	b := obj{"self": self, "accountId": u.id, "accountType": kind, "displayName": u.name, "active": u.active,
		"timeZone": u.tz.String(), "avatarUrls": t.avatars(u)}
	if t.seesEmail(u, me) {
		b["emailAddress"] = u.email
	}
	return b
}

func (t *Tenant) seesEmail(u, me *user) bool {
	return u == me || (!u.hidden && me != nil) || me.admin()
}

func (t *Tenant) avatars(u *user) obj {
	a := obj{}
	for _, size := range []string{"16x16", "24x24", "32x32", "48x48"} {
		a[size] = t.url + "/avatar/" + u.id + "?size=" + size[:2]
	}
	return a
}

// deskUser is a user as servicedeskapi shows it.
func (t *Tenant) deskUser(u, me *user) obj {
	if u == nil {
		return nil
	}
	b := obj{"accountId": u.id, "displayName": u.name, "active": u.active, "timeZone": u.tz.String(),
		"_links": obj{"jiraRest": t.url + "/rest/api/2/user?accountId=" + u.id, "self": t.url + "/rest/api/2/user?accountId=" + u.id,
			"avatarUrls": t.avatars(u)}}
	b["emailAddress"] = ""
	if t.seesEmail(u, me) {
		b["emailAddress"] = u.email
	}
	return b
}
