package conf

import (
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The ways to log in to the tenant, as auth under [tenant] names them.
const (
	AuthToken  = "token"              // an API token of an account, classic or scoped
	AuthOAuth  = "oauth"              // a person's consent, "parley auth login"; renewed by itself
	AuthClient = "client_credentials" // a service account's client id and secret
)

// Atlassian's own addresses.
const (
	atlassianGateway = "https://api.atlassian.com"
	atlassianAuth    = "https://auth.atlassian.com"
)

// Tenant says where the site is and who we are there. At most one token source is set.
type Tenant struct {
	URL          string // https; http only on loopback. May hold a context path (Data Center)
	Flavor       string // cloud or datacenter
	Auth         string // AuthToken, AuthOAuth, AuthClient; empty: AuthToken
	User         string // e-mail (Cloud); empty on Data Center, where the token is a bearer
	TokenEnv     string // name of an environment variable
	TokenFile    string // path, relative to the home; its mode must hide it from others
	TokenCommand string // run by the shell; its first output line is the token

	Gateway    string    // calls go there instead of to URL; empty: to URL. Scoped tokens and OAuth need it
	CloudID    string    // the site's id at the gateway; empty: the site is asked
	AuthServer string    // where OAuth tokens come from
	Client     string    // client id
	Secret     Secret    // the client's
	Scopes     []string  // asked for; empty: the program's own list, or all that a service account has
	MediaHosts []string  // from which attachments are fetched, besides the site's own and Atlassian's: names, in small letters
	NewerTexts bool      // texts with nodes that this version does not know are offered to Jira
	Expires    time.Time // midnight UTC of the day on which the token or the client's secret ends; zero: not known
}

func (n *Node) readTenant(t *table) {
	ten, ok := t.sub("tenant", "[tenant]")
	if !ok {
		t.ps.Add(t.n.key, `add [tenant] with url = "https://…"`, "the node has no tenant")
		return
	}
	if address := ten.text("url"); !address.IsSet() {
		ten.ps.Add(ten.n.key, "", "[tenant] has no url")
	} else {
		n.Tenant.URL = ten.site("url", address)
	}
	n.Tenant.Flavor = ten.choice("flavor", "cloud", "datacenter").Value
	n.Tenant.User = ten.text("user").Value
	n.Tenant.readToken(ten)
	n.Tenant.readAuth(ten)
	n.Tenant.readMedia(ten)
	n.Tenant.NewerTexts = ten.flag("newer_texts", false).Value
	ten.done(func(k *node) string {
		switch {
		case strings.Contains(k.name, "secret"):
			return "a secret does not belong in this file: name where it is, with client_secret_env, client_secret_file or client_secret_command"
		case strings.Contains(k.name, "token"), strings.Contains(k.name, "password"):
			return "a secret does not belong in this file: name where it is, with token_env, token_file or token_command"
		}
		return ""
	})
}

func (n *Tenant) readToken(t *table) {
	sources := 0
	for _, s := range []struct {
		word string
		to   *string
	}{{"token_env", &n.TokenEnv}, {"token_file", &n.TokenFile}, {"token_command", &n.TokenCommand}} {
		v := t.text(s.word)
		if !v.IsSet() {
			continue
		}
		*s.to = v.Value
		if sources++; sources > 1 {
			t.ps.Add(v.Pos, "keep one of token_env, token_file, token_command", "the token has two sources")
		}
		if v.Value == "" || s.word == "token_env" && !goodEnv.MatchString(v.Value) {
			t.ps.Add(v.Pos, "", "%s does not name anything that could hold a token", s.word)
		}
	}
}

var goodCloud = regexp.MustCompile(`^[0-9A-Za-z-]{8,64}$`)

func (n *Tenant) readAuth(t *table) {
	auth := t.choice("auth", AuthToken, AuthOAuth, AuthClient)
	n.Auth = auth.Value
	if n.Auth != AuthToken {
		n.Gateway, n.AuthServer = atlassianGateway, atlassianAuth
		if n.Flavor != "cloud" {
			t.ps.Add(auth.Pos, `remove auth, and name a personal access token`, "auth = %q is for Jira Cloud", n.Auth)
		}
	}
	if v := t.text("gateway"); v.IsSet() {
		n.Gateway = t.site("gateway", v)
	}
	if v := t.text("cloud_id"); v.IsSet() {
		if n.CloudID = v.Value; !goodCloud.MatchString(v.Value) {
			t.ps.Add(v.Pos, "see https://SITE.atlassian.net/_edge/tenant_info", "cloud_id = %q is no cloud id", v.Value)
		}
	}
	n.Expires = t.date("expires")
	client, server, scopes := t.text("client_id"), t.text("auth_server"), t.texts("scopes", false)
	n.Client, n.Secret = client.Value, t.secret("client_secret")
	for _, s := range scopes {
		n.Scopes = append(n.Scopes, s.Value)
		if s.Value == "" || strings.ContainsFunc(s.Value, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.ps.Add(s.Pos, "each scope is a string of its own in the list", "%q is no scope", s.Value)
		}
	}
	if server.IsSet() {
		n.AuthServer = t.site("auth_server", server)
	}
	n.checkAuth(t, auth)
}

// readMedia reads the further hosts that Jira may send us to for an attachment's content: a site's own store, or a proxy
// in front of Atlassian's. Without them an attachment that lies there is not fetched.
func (n *Tenant) readMedia(t *table) {
	for _, host := range t.texts("media_hosts", false) {
		name := strings.ToLower(host.Value)
		switch {
		case len(name) > 253 || !goodHost.MatchString(name) || net.ParseIP(name) != nil:
			t.ps.Add(host.Pos, `a name alone, as in media_hosts = ["files.acme.example"]: no scheme, port, path, address or *`, "media_hosts: %q is no name of a host", host.Value)
		case slices.Contains(n.MediaHosts, name):
			t.ps.Add(host.Pos, "", "media_hosts names %q twice", host.Value)
		default:
			n.MediaHosts = append(n.MediaHosts, name)
		}
	}
}

// goodHost is a name of at least two labels (RFC 1123, 2.1).
var goodHost = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$`)

// checkAuth finds words that belong to another way to log in, or are missing for this one.
func (n *Tenant) checkAuth(t *table, auth Text) {
	foreign := []string{"client_id", "client_secret_env", "client_secret_file", "client_secret_command", "auth_server", "scopes"}
	hint := `they belong to auth = "oauth" or "client_credentials"`
	if n.Auth != AuthToken {
		foreign, hint = []string{"user", "token_env", "token_file", "token_command"}, `it belongs to auth = "token"; the account is the one that consents, or the service account`
	}
	for _, word := range foreign {
		if k := t.n.kid(word); k != nil {
			t.ps.Add(k.key, hint, "%q has no meaning with auth = %q", word, n.Auth)
		}
	}
	if n.Auth == AuthToken {
		return
	}
	if n.Client == "" {
		t.ps.Add(auth.Pos, `client_id = "…", as Atlassian's developer console or admin page shows it`, "auth = %q needs a client_id", n.Auth)
	}
	if !n.Secret.IsSet() {
		t.ps.Add(auth.Pos, "name where it is: client_secret_env, client_secret_file or client_secret_command", "auth = %q needs the client's secret", n.Auth)
	}
	if n.Auth == AuthOAuth && len(n.Scopes) > 0 && !slices.Contains(n.Scopes, "offline_access") {
		t.ps.Add(t.n.kid("scopes").key, `add "offline_access" to scopes`, "without the scope offline_access the login would end within the hour")
	}
}

// date reads a day, as a string or as TOML's own date; the zero time where it is absent.
func (t *table) date(word string) time.Time {
	n := t.get(word)
	if n == nil {
		return time.Time{}
	}
	switch v := n.value.(type) {
	case time.Time:
		return time.Date(v.Year(), v.Month(), v.Day(), 0, 0, 0, 0, time.UTC)
	case string:
		if day, err := time.Parse(time.DateOnly, v); err == nil {
			return day
		}
	}
	t.wrong(n, "a day", "for example "+word+` = "2027-03-01"`)
	return time.Time{}
}

// site checks the address of a site or server, and takes its last slash off.
func (t *table) site(word string, address Text) string {
	if why := badURL(address.Value); why != "" {
		t.ps.Add(address.Pos, "", "%s %s", word, why) // the value is not shown: it may hold a password
		return ""
	}
	return strings.TrimRight(address.Value, "/")
}

var goodEnv = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// badURL says what is wrong with a tenant's address, or "".
func badURL(s string) string {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return "must look like https://acme.atlassian.net"
	case u.User != nil:
		return "must not hold a user or password: use user and token_env"
	case u.RawQuery != "" || u.Fragment != "":
		return "must not hold a query or fragment"
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return "must be https (http only for a tenant on this machine)"
	}
	return ""
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// write adds the lines after url and flavor; what has its default is left out.
func (n *Tenant) write(line func(format string, args ...any)) {
	word := func(name, value, normal string) {
		if value != "" && value != normal {
			line("%s = %s", name, quote(value))
		}
	}
	gateway, server := "", ""
	if n.Auth != "" && n.Auth != AuthToken {
		gateway, server = atlassianGateway, atlassianAuth
	}
	word("auth", n.Auth, AuthToken)
	word("user", n.User, "")
	if gateway == "" {
		line("# The token is never written here. Name where it is: token_env, token_file (mode 0600) or token_command.")
	}
	word("token_env", n.TokenEnv, "")
	word("token_file", n.TokenFile, "")
	word("token_command", n.TokenCommand, "")
	word("client_id", n.Client, "")
	word("client_secret_env", n.Secret.Env, "")
	word("client_secret_file", n.Secret.File, "")
	word("client_secret_command", n.Secret.Command, "")
	if len(n.Scopes) > 0 {
		quoted := make([]string, len(n.Scopes))
		for i, s := range n.Scopes {
			quoted[i] = quote(s)
		}
		line("scopes = [%s]", strings.Join(quoted, ", "))
	}
	word("gateway", n.Gateway, gateway)
	word("cloud_id", n.CloudID, "")
	word("auth_server", n.AuthServer, server)
	if len(n.MediaHosts) == 0 {
		line("# media_hosts = [\"files.acme.example\"]   # from which attachments are fetched besides the site's own host and Atlassian's")
	} else {
		quoted := make([]string, len(n.MediaHosts))
		for i, host := range n.MediaHosts {
			quoted[i] = quote(host)
		}
		line("media_hosts = [%s]", strings.Join(quoted, ", "))
	}
	if n.NewerTexts {
		line("newer_texts = true")
	} else {
		line("# newer_texts = true   # offer Jira texts that hold what this version of parley does not know, instead of holding them")
	}
	if n.Expires.IsZero() {
		line("# expires = 2027-03-01           # the day on which the credential ends: you are warned 30, 14 and 3 days before")
	} else {
		line("expires = %s", n.Expires.Format(time.DateOnly))
	}
}
