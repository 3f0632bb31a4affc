package conf

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const tenantHead = "name = \"n\"\n[tenant]\nurl = \"https://a.example\"\n"

func TestEveryWayToLogInIsRead(t *testing.T) {
	day := time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
	site := Tenant{URL: "https://a.example", Flavor: "cloud", Auth: AuthToken}
	for _, c := range []struct {
		text string
		want func(*Tenant)
	}{
		{"", func(*Tenant) {}},
		{"token_env = \"T\"\nexpires = 2027-03-01", func(n *Tenant) { n.TokenEnv, n.Expires = "T", day }},
		{"token_env = \"T\"\nexpires = \"2027-03-01\"", func(n *Tenant) { n.TokenEnv, n.Expires = "T", day }},
		{"user = \"u\"\ngateway = \"https://api.atlassian.com/\"\ncloud_id = \"11111111-2222\"", func(n *Tenant) {
			n.User, n.Gateway, n.CloudID = "u", "https://api.atlassian.com", "11111111-2222"
		}},
		{"newer_texts = true", func(n *Tenant) { n.NewerTexts = true }},
		{"media_hosts = [\"Files.acme.example\", \"cdn.acme.example\"]", func(n *Tenant) { n.MediaHosts = []string{"files.acme.example", "cdn.acme.example"} }},
		{"auth = \"oauth\"\nclient_id = \"c\"\nclient_secret_env = \"S\"", func(n *Tenant) {
			n.Auth, n.Client, n.Secret = AuthOAuth, "c", Secret{Env: "S"}
			n.Gateway, n.AuthServer = "https://api.atlassian.com", "https://auth.atlassian.com"
		}},
		{"auth = \"client_credentials\"\nclient_id = \"c\"\nclient_secret_file = \"s\"\nscopes = [\"read:jira-work\"]\nauth_server = \"http://127.0.0.1:1/\"\ngateway = \"http://localhost:2\"", func(n *Tenant) {
			n.Auth, n.Client, n.Secret, n.Scopes = AuthClient, "c", Secret{File: "s"}, []string{"read:jira-work"}
			n.Gateway, n.AuthServer = "http://localhost:2", "http://127.0.0.1:1"
		}},
	} {
		n, err := ParseNode("parley.toml", []byte(tenantHead+c.text))
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		want := site
		c.want(&want)
		if diff := cmp.Diff(want, n.Tenant); diff != "" {
			t.Errorf("%s: %s", c.text, diff)
		}
		again, err := ParseNode("parley.toml", []byte(NodeText(*n)))
		if err != nil {
			t.Errorf("%s: what was written cannot be read: %v", c.text, err)
		} else if diff := cmp.Diff(want, again.Tenant); diff != "" {
			t.Errorf("%s: written and read back: %s", c.text, diff)
		}
	}
}

// noHost is the problem with a name that is none.
func noHost(at, name string) string {
	return at + ` media_hosts: "` + name + `" is no name of a host | a name alone, as in media_hosts = ["files.acme.example"]: no scheme, port, path, address or *`
}

func TestTenantProblems(t *testing.T) {
	const oauth = tenantHead + "auth = \"oauth\"\n"
	const whole = oauth + "client_id = \"c\"\nclient_secret_env = \"S\"\n"
	for _, c := range []struct{ text, want string }{
		{oauth, `4:8 auth = "oauth" needs a client_id | client_id = "…", as Atlassian's developer console or admin page shows it; ` +
			`4:8 auth = "oauth" needs the client's secret | name where it is: client_secret_env, client_secret_file or client_secret_command`},
		{tenantHead + "media_hosts = [\"https://files.acme.example\", \"files.acme.example:443\", \"*.acme.example\", \"10.0.0.7\", \"::1\", \"files\", \"a.b/c\", \"u@a.b\", \"a..b\"]",
			noHost("4:16", "https://files.acme.example") + "; " + noHost("4:46", "files.acme.example:443") + "; " + noHost("4:72", "*.acme.example") + "; " + noHost("4:90", "10.0.0.7") + "; " +
				noHost("4:102", "::1") + "; " + noHost("4:109", "files") + "; " + noHost("4:118", "a.b/c") + "; " + noHost("4:127", "u@a.b") + "; " + noHost("4:136", "a..b")},
		{tenantHead + "media_hosts = [\"a.example\", \"A.example\"]", `4:29 media_hosts names "A.example" twice | `},
		{tenantHead + "auth = \"oath\"", `4:8 auth = "oath" in [tenant] is not a choice | did you mean "oauth"?`},
		{whole + "token_env = \"T\"", `7:1 "token_env" has no meaning with auth = "oauth" | it belongs to auth = "token"; the account is the one that consents, or the service account`},
		{tenantHead + "client_id = \"c\"", `4:1 "client_id" has no meaning with auth = "token" | they belong to auth = "oauth" or "client_credentials"`},
		{whole + "client_secret = \"s3cret\"", `7:1 unknown word "client_secret" in [tenant] | a secret does not belong in this file: name where it is, with client_secret_env, client_secret_file or client_secret_command`},
		{whole + "scopes = [\"read:jira-work\"]", `7:1 without the scope offline_access the login would end within the hour | add "offline_access" to scopes`},
		{whole + "scopes = [\"a b\", \"offline_access\"]", `7:11 "a b" is no scope | each scope is a string of its own in the list`},
		{whole + "flavor = \"datacenter\"", `4:8 auth = "oauth" is for Jira Cloud | remove auth, and name a personal access token`},
		{tenantHead + "gateway = \"http://api.atlassian.com\"", `4:11 gateway must be https (http only for a tenant on this machine) | `},
		{tenantHead + "cloud_id = \"../x\"", `4:12 cloud_id = "../x" is no cloud id | see https://SITE.atlassian.net/_edge/tenant_info`},
		{tenantHead + "expires = \"soon\"", `4:11 "expires" in [tenant] must be a day, not a string | for example expires = "2027-03-01"`},
		{tenantHead + "expires = 3", `4:11 "expires" in [tenant] must be a day, not a whole number | for example expires = "2027-03-01"`},
	} {
		_, err := ParseNode("parley.toml", []byte(c.text))
		if got := told(err); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}
