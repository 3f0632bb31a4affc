package sim

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"
)

// What a tenant holds. Values inside an issue are never changed in place but replaced, so that a shallow
// copy of an issue stays true for ever: the search index and the webhooks keep such copies.

// A user is an account of the site: an agent, a customer, the sync account.
type user struct {
	id     string // accountId; "qm:…" for portal-only customers
	email  string
	name   string
	role   Role
	token  string
	tz     *time.Location
	hidden bool // the profile hides the e-mail address from others
	active bool
}

// licensed tells whether the user holds a JSM agent licence and the Service Desk Team role.
func (u *user) licensed() bool {
	return u != nil && (u.role == Agent || u.role == Sync || u.role == Human || u.role == Admin || u.role == Approver)
}

func (u *user) admin() bool    { return u != nil && u.role == Admin }
func (u *user) customer() bool { return u != nil && u.role == Customer }

// browses tells whether the user may see issues by the platform: everyone but portal-only customers.
func (u *user) browses() bool { return u != nil && u.role != Customer }

type named struct{ id, name, extra string } // extra: colour, category, description, as its kind has

type project struct {
	id, key, name string
	desk          string // service desk id; empty: no service project
	last          int    // number of the newest issue
}

type version struct {
	id, name           string
	released, archived bool
}

type organization struct {
	id, name, uuid string
	created        time.Time
	members        []string // accountIds
	linked         bool     // to the service desk
	props          map[string]json.RawMessage
}

type option struct {
	id, value string
	children  []*option
}

type issue struct {
	id       int64
	proj     *project
	key      string
	vals     map[string]any // field id → value in its kind's stored form (kind.go)
	created  time.Time
	updated  time.Time
	resolved time.Time // zero: unresolved
	inStatus time.Time // since when
	creator  *user
	viaDesk  bool // raised as a request

	comments    []*comment
	changes     []*change // oldest first
	links       []*link
	remotes     []*remoteLink
	worklogs    []*worklog
	approvals   []*approval
	attachments []*attachment
	watchers    []string // accountIds
	moments     []moment // every status it had, oldest first
	props       map[string]json.RawMessage
	silent      map[string]bool // accounts that unsubscribed from its notifications
	rating      *rating
}

func (is *issue) idText() string { return strconv.FormatInt(is.id, 10) }

// clone copies the issue one level deep; what the fields point to is never changed in place.
func (is *issue) clone() *issue {
	c := *is
	c.vals = maps.Clone(is.vals)
	c.props = maps.Clone(is.props)
	c.silent = maps.Clone(is.silent)
	c.comments = slices.Clone(is.comments)
	c.changes = slices.Clip(is.changes)
	c.links = slices.Clone(is.links)
	c.remotes = slices.Clone(is.remotes)
	c.worklogs = slices.Clone(is.worklogs)
	c.approvals = slices.Clone(is.approvals)
	c.attachments = slices.Clone(is.attachments)
	c.watchers = slices.Clone(is.watchers)
	c.moments = slices.Clip(is.moments)
	return &c
}

func (is *issue) str(field string) string {
	s, _ := is.vals[field].(string)
	return s
}

func (is *issue) list(field string) []string {
	l, _ := is.vals[field].([]string)
	return l
}

// A moment is the start of a status.
type moment struct {
	status string
	at     time.Time
}

type comment struct {
	id         int64
	author     *user
	editor     *user
	body       json.RawMessage // ADF as stored
	created    time.Time
	updated    time.Time
	parent     int64 // 0: none
	visibility *restriction
	props      map[string]json.RawMessage
}

// public is what servicedeskapi shows as public and the platform as jsdPublic: decided by the property
// sd.public.comment alone; role and group visibility do not count.
func (c *comment) public() bool {
	var p struct {
		Internal any `json:"internal"`
	}
	if raw, is := c.props[publicProperty]; is && json.Unmarshal(raw, &p) == nil {
		return p.Internal != true
	}
	return true
}

const publicProperty = "sd.public.comment"

// A change is one history entry of the changelog.
type change struct {
	id     int64
	author *user
	at     time.Time
	items  []changeItem
}

type changeItem struct {
	field, fieldID, fieldType string
	from, fromString          *string
	to, toString              *string
	tmpFrom, tmpTo            string // account ids of user fields: webhooks show them, the REST answers do not
}

type link struct {
	id              int64
	kind            *linkType
	inward, outward int64 // issue ids: inward "is blocked by" … see link.go for the direction
}

type linkType struct{ id, name, inward, outward string }

type remoteLink struct {
	id           int64
	globalID     string
	application  json.RawMessage
	relationship string
	object       json.RawMessage
}

type worklog struct {
	id         int64
	issue      int64
	author     *user
	comment    json.RawMessage
	started    time.Time
	seconds    int64
	visibility *restriction
	editor     *user
	created    time.Time
	updated    time.Time
	props      map[string]json.RawMessage
}

type approval struct {
	id        int64
	name      string
	approvers []approver
	created   time.Time
	completed time.Time // zero: pending
	decision  string    // pending, approved, declined
}

type approver struct {
	who      *user
	decision string
}

type rating struct {
	stars   int
	comment string
	at      time.Time
}
