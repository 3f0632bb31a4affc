package conf

import (
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // quiet times name zones, also where the machine has no zone files
)

// Notify is [notify] of parley.toml: who is told of trouble, how, and when not.
type Notify struct {
	TenantDown time.Duration // how long the tenant fails before anybody is told
	PeerDown   time.Duration // likewise a partner
	Channels   []Channel     // in the order written; none: nobody is told
}

// Channel is one way to tell somebody: [notify.channel.NAME].
type Channel struct {
	Name   string
	Kind   string        // webhook, mail, ticket
	Floor  string        // info, warning, urgent: what is less severe is not told
	Digest time.Duration // news gathers this long into one message; what is urgent does not wait
	Quiet  Quiet

	// Of a webhook. One source of URL is set.
	URL    string // where written in the file
	URLAt  Secret // where the address is itself a secret
	Shape  string // json, slack, teams
	Secret Secret // signs the body; may be unset

	// Of mail.
	Server   string // host:port
	TLS      string // starttls, implicit, none (this machine only)
	From     string // address
	To       []string
	User     string // empty: no login
	Password Secret

	// Of a ticket, in the node's own tenant.
	Project     string
	RequestType string
}

// Quiet is when a channel is left alone, by the clock on somebody's wall.
type Quiet struct {
	Zone         *time.Location
	Spans        []Span
	Days         []time.Weekday // quiet from midnight to midnight
	UrgentPasses bool           // what is urgent is told nevertheless
}

// Span is a time of each day, in minutes since midnight. To before From goes over midnight.
type Span struct{ From, To int }

const maxChannels = 20

func (n *Node) readNotify(t *table) {
	s, ok := t.sub("notify", "[notify]")
	if !ok {
		return
	}
	n.Notify.TenantDown = s.duration("tenant_down", n.Notify.TenantDown, 0, 24*time.Hour)
	n.Notify.PeerDown = s.duration("peer_down", n.Notify.PeerDown, 0, 7*24*time.Hour)
	base := Channel{Floor: "warning", Digest: 10 * time.Minute, Quiet: Quiet{Zone: time.Local, UrgentPasses: true}}
	base.readManners(s)
	channels, _ := s.sub("channel", "[notify.channel]")
	for _, k := range channels.n.kids {
		c := base
		c.Quiet.Spans, c.Quiet.Days = slices.Clone(base.Quiet.Spans), slices.Clone(base.Quiet.Days)
		if c.Name = k.name; !goodName.MatchString(c.Name) {
			t.ps.Add(k.key, nameHint, "%q cannot be the name of a channel", c.Name)
		}
		if one, ok := channels.sub(k.name, "[notify.channel."+k.name+"]"); ok {
			c.read(one)
			n.Notify.Channels = append(n.Notify.Channels, c)
		}
	}
	if len(n.Notify.Channels) > maxChannels {
		t.ps.Add(channels.n.key, "", "there are more than %d channels", maxChannels)
	}
	s.done(func(k *node) string {
		if k.isTable {
			return fmt.Sprintf("a channel is written [notify.channel.%s]", k.name)
		}
		return ""
	})
}

// readManners reads what [notify] says for all channels and each may say for itself.
func (c *Channel) readManners(t *table) {
	if f := t.choice("floor", c.Floor, "info", "warning", "urgent"); f.IsSet() {
		c.Floor = f.Value
	}
	c.Digest = t.duration("digest", c.Digest, 0, 24*time.Hour)
	c.Quiet.UrgentPasses = t.flag("urgent_passes", c.Quiet.UrgentPasses).Value
	if zone := t.text("zone"); zone.IsSet() {
		z, err := time.LoadLocation(zone.Value)
		if err != nil || zone.Value == "" {
			t.ps.Add(zone.Pos, `for example "Europe/Berlin"`, "there is no time zone %q", zone.Value)
			z = time.UTC
		}
		c.Quiet.Zone = z
	}
	if t.n.kid("quiet") != nil {
		c.Quiet.Spans = nil
	}
	for _, s := range t.texts("quiet", true) {
		c.Quiet.Spans = append(c.Quiet.Spans, t.span(s))
	}
	if t.n.kid("quiet_days") != nil {
		c.Quiet.Days = nil
	}
	for _, d := range t.texts("quiet_days", true) {
		c.Quiet.Days = append(c.Quiet.Days, t.weekday(d))
	}
	if !c.Quiet.UrgentPasses && c.Quiet.always() {
		t.ps.Add(t.n.key, "leave an hour of a day open", "it is always quiet, so %s tells nobody", t.where)
	}
}

// always reports whether no minute of any day is left.
func (q Quiet) always() bool {
	days := map[time.Weekday]bool{}
	for _, d := range q.Days {
		days[d] = true
	}
	if len(days) == 7 {
		return true
	}
	for m := range 24 * 60 {
		if !slices.ContainsFunc(q.Spans, func(s Span) bool { return s.Holds(m) }) {
			return false
		}
	}
	return true
}

// Holds reports whether a minute of the day lies in the span.
func (s Span) Holds(minute int) bool {
	if s.From <= s.To {
		return s.From <= minute && minute < s.To
	}
	return minute >= s.From || minute < s.To
}

// span reads "22:00-07:00".
func (t *table) span(s Text) Span {
	from, to, ok := strings.Cut(s.Value, "-")
	a, errA := time.Parse("15:04", strings.TrimSpace(from))
	b, errB := time.Parse("15:04", strings.TrimSpace(to))
	if !ok || errA != nil || errB != nil || a.Equal(b) {
		t.ps.Add(s.Pos, `for example quiet = ["22:00-07:00"]; whole days go into quiet_days`, "%q is not a time of the day", s.Value)
		return Span{}
	}
	minutes := func(at time.Time) int { return at.Hour()*60 + at.Minute() }
	return Span{minutes(a), minutes(b)}
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

func (t *table) weekday(d Text) time.Weekday {
	i := slices.Index(weekdays, d.Value)
	if i < 0 {
		t.ps.Add(d.Pos, "one of: "+strings.Join(weekdays, ", "), "%q is not a day", d.Value)
		return 0
	}
	return time.Weekday(i)
}

// read reads one channel.
func (c *Channel) read(t *table) {
	kind := t.text("kind")
	c.Kind = kind.Value
	c.readManners(t)
	switch c.Kind {
	case "webhook":
		c.readWebhook(t)
	case "mail":
		c.readMail(t)
	case "ticket":
		c.readTicket(t)
	default:
		at := kind.Pos
		if !kind.IsSet() {
			at = t.n.key
		}
		t.ps.Add(at, `kind = "webhook", "mail" or "ticket"`, "%s has no kind that there is", t.where)
		return
	}
	t.done(func(k *node) string {
		if strings.Contains(k.name, "password") || strings.Contains(k.name, "secret") {
			return "a secret does not belong in this file: name where it is, with _env, _file or _command at the end of the word"
		}
		return ""
	})
}

func (c *Channel) readWebhook(t *table) {
	at := t.text("url")
	c.URL = at.Value
	c.URLAt = t.secret("url")
	switch {
	case at.IsSet() && c.URLAt.IsSet():
		t.ps.Add(at.Pos, "keep one of them", "the address has two sources in %s", t.where)
	case at.IsSet():
		if why := BadHook(c.URL); why != "" {
			t.ps.Add(at.Pos, "", "url %s", why) // the value is not shown: some addresses are secrets
		}
	case !c.URLAt.IsSet():
		t.ps.Add(t.n.key, `url = "https://…", or where the address is itself a secret: url_env, url_file or url_command`, "%s has no url", t.where)
	}
	c.Shape = t.choice("shape", "json", "slack", "teams").Value
	c.Secret = t.secret("secret")
}

// BadHook says what is wrong with a webhook's address, or "". It never shows the address.
func BadHook(s string) string {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "" || u.Scheme != "https" && u.Scheme != "http":
		return "must look like https://hooks.acme.example/parley"
	case u.User != nil:
		return "must not hold a user or password"
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return "must be https (http only to this machine)"
	}
	return ""
}

func (c *Channel) readMail(t *table) {
	if server := t.text("server"); server.IsSet() {
		c.Server = t.address(server, false)
	} else {
		t.ps.Add(t.n.key, `for example server = "smtp.acme.example:587"`, "%s has no server", t.where)
	}
	host, port, _ := net.SplitHostPort(c.Server)
	usual := []string{"starttls", "implicit", "none"}
	if port == "465" { // TLS from the first byte (RFC 8314, section 7.3)
		usual = []string{"implicit", "starttls", "none"}
	}
	tls := t.choice("tls", usual...)
	if c.TLS = tls.Value; c.TLS == "none" && !loopback(host) {
		t.ps.Add(tls.Pos, "", `tls = "none" is for a mail server on this machine only`)
	}
	c.From = t.mailbox(t.text("from"))
	to := t.texts("to", true)
	for _, one := range to {
		c.To = append(c.To, t.mailbox(one))
	}
	if len(to) == 0 || len(to) > 50 {
		t.ps.Add(t.n.key, `for example to = ["desk@acme.example"]`, "%s needs 1 to 50 addresses in \"to\"", t.where)
	}
	user := t.text("user")
	c.User = user.Value
	c.Password = t.secret("password")
	if (c.User != "") != c.Password.IsSet() {
		t.ps.Add(t.n.key, "give both for a login, or none", "user and password_env (or _file, _command) belong together in %s", t.where)
	}
}

// mailbox checks an address as it stands in an envelope: ASCII, no name beside it.
func (t *table) mailbox(a Text) string {
	p, err := mail.ParseAddress(a.Value)
	plain := err == nil && p.Name == "" && p.Address == a.Value && len(a.Value) <= 254 &&
		!strings.ContainsFunc(a.Value, func(r rune) bool { return r <= 0x20 || r > 0x7e })
	if !plain {
		at := a.Pos
		if !a.IsSet() {
			at = t.n.key
		}
		t.ps.Add(at, `for example "desk@acme.example"`, "%q in %s is not a plain mail address", a.Value, t.where)
	}
	return a.Value
}

func (c *Channel) readTicket(t *table) {
	project, form := t.text("project"), t.text("request_type")
	c.Project, c.RequestType = project.Value, form.Value
	if c.Project == "" || c.RequestType == "" {
		t.ps.Add(t.n.key, `for example project = "IT", request_type = "Report a problem"`, "%s needs a project and a request_type", t.where)
	}
}
