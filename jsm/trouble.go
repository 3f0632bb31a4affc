package jsm

import (
	"net/http"
	"strings"
)

// Trouble names what is wrong with a tenant as such, apart from any one ticket. "" means nothing is.
type Trouble string

// The troubles. Each has its advice below.
const (
	TroubleToken       Trouble = "token"       // 401, or an answer as to a stranger
	TroubleScope       Trouble = "scope"       // 401 for one endpoint, while the account is let in
	TroubleLicence     Trouble = "licence"     // 403 without a word on agent endpoints [L]
	TroubleSuspended   Trouble = "suspended"   // 402
	TroubleProxy       Trouble = "proxy"       // 407
	TroublePage        Trouble = "page"        // HTML or a redirect in Jira's place: login page, captive portal, closed site
	TroubleBlocked     Trouble = "blocked"     // such a page for one request only
	TroubleRemoved     Trouble = "removed"     // 410
	TroubleLimit       Trouble = "limit"       // 429
	TroubleGateway     Trouble = "gateway"     // 5xx
	TroubleMaintenance Trouble = "maintenance" // 503 with a page or a time
	TroubleUnreachable Trouble = "unreachable" // no name, no route, no connection
	TroubleCertificate Trouble = "certificate" // TLS
	TroubleSilent      Trouble = "silent"      // connected, and no whole answer in time
	TroubleEmpty       Trouble = "empty"       // success without the content it must have
	TroubleCut         Trouble = "cut"         // JSON that ends early
	TroubleShape       Trouble = "shape"       // JSON of another form than described
	TroubleSecret      Trouble = "secret"      // our own token cannot be had
	TroubleLogin       Trouble = "login"       // likewise, until a person logs in again (ErrLogin)
)

// Advice is a trouble in plain words.
type Advice struct {
	Trouble  Trouble
	Sentence string // what is
	Cause    string // why, usually
	Next     string // what a person can do
	Alone    bool   // it usually ends without anybody doing anything
}

var advices = []Advice{
	{TroubleToken, "Jira does not let parley's account in.", "The token expired or was revoked, or user and token do not belong together.", "Make a new token for parley's account and put it where parley.toml says; parley goes on by itself within five minutes.", false},
	{TroubleScope, "Jira lets parley's account in, but not to this kind of call.", "A scoped token or OAuth grant lacks a scope that the call needs.", "Give the token the missing scope, then: parley held retry.", false},
	{TroubleLicence, "Jira refuses what only agents may do, without a reason.", "The account has no Jira Service Management licence, or lost it.", "Give parley's account an agent licence and the Service Desk Team role; parley goes on by itself within five minutes.", false},
	{TroubleSuspended, "The Jira site is suspended.", "A payment is due, or the trial ended.", "Ask whoever pays for the site; parley goes on by itself.", false},
	{TroubleProxy, "The proxy on the way to Jira wants a login.", "HTTPS_PROXY names a proxy that does not know parley.", "Let this machine through the proxy, or put the proxy's credential into HTTPS_PROXY.", false},
	{TroublePage, "A page for people answers in Jira's place.", "A login page, a captive portal, a proxy, or a site that is closed.", "Open the tenant's url from this machine; it must be the site's own address, without a login page in front.", false},
	{TroubleBlocked, "A page for people answers this one request in Jira's place.", "A firewall or proxy dislikes the content of the request.", "Have calls to the tenant exempted from inspection, then: parley held retry.", false},
	{TroubleRemoved, "Atlassian removed this endpoint.", "This parley is older than the change.", "Install a newer parley.", false},
	{TroubleLimit, "Jira's limit is reached.", "Too many calls within an hour, or a moment.", "Nothing: parley goes on by itself when Jira allows it. If it happens daily, see budget in parley status.", true},
	{TroubleGateway, "Jira fails.", "Trouble at Atlassian or on the way.", "Look at status.atlassian.com; parley goes on by itself.", true},
	{TroubleMaintenance, "Jira is being maintained.", "Announced or urgent work on the site.", "Wait; parley goes on by itself.", true},
	{TroubleUnreachable, "Jira cannot be reached.", "Name resolution, route, firewall or proxy.", "Check url in parley.toml, DNS, and outbound TCP 443.", true},
	{TroubleCertificate, "Jira's certificate is not believed.", "A proxy that opens TLS, a wrong clock, or a wrong address.", "Check the clock; have the proxy's certificate trusted by this machine, or exempt the tenant.", false},
	{TroubleSilent, "Jira does not answer in time.", "Overload, or a connection that broke.", "Wait; parley goes on by itself. If it lasts, look at status.atlassian.com.", true},
	{TroubleEmpty, "Jira answers without content.", "Trouble at Atlassian, or a proxy that drops answers.", "Wait; if it lasts, look what stands between this machine and the tenant.", true},
	{TroubleCut, "Jira's answers are cut short.", "A connection or proxy that breaks off.", "Wait; if it lasts, look what stands between this machine and the tenant.", true},
	{TroubleShape, "Jira answers in a form that parley does not know.", "A change at Atlassian, or an app that rewrites answers.", "Install a newer parley; if there is none, report the operation named in the reason.", false},
	{TroubleLogin, "parley's login to Jira is over.", "Nobody has logged in yet, the login was revoked, or the node did not run for 90 days.", "parley auth login; parley then goes on by itself.", false},
	{TroubleSecret, "parley cannot get its own token.", "The variable, file or command of parley.toml gives none.", "Make the token available where parley.toml says it is; parley goes on by itself.", false},
}

// Troubles lists the advice for every trouble.
func Troubles() []Advice { return append([]Advice(nil), advices...) }

// Advice is the trouble in plain words; the zero Advice for "" and what is no trouble.
func (t Trouble) Advice() Advice {
	for _, a := range advices {
		if a.Trouble == t {
			return a
		}
	}
	return Advice{}
}

// troubleOf names the trouble behind an answer that is no success; "" where it concerns one request.
func troubleOf(status int, h http.Header, empty, html bool) Trouble {
	switch {
	case stranger(h), status == http.StatusUnauthorized:
		return TroubleToken
	case status == http.StatusTooManyRequests:
		return TroubleLimit
	case status == http.StatusServiceUnavailable && (html || h.Get("Retry-After") != ""):
		return TroubleMaintenance
	case status >= 500, status == http.StatusRequestTimeout, status == 499:
		return TroubleGateway
	case status == http.StatusPaymentRequired:
		return TroubleSuspended
	case status == http.StatusProxyAuthRequired:
		return TroubleProxy
	case status == http.StatusGone:
		return TroubleRemoved
	case status/100 == 3, html:
		return TroublePage
	case status == http.StatusForbidden && empty:
		return TroubleLicence
	}
	return ""
}

// stranger recognizes answers to nobody: Jira may take a bad credential for none and answer 200 with what
// everybody may see [B], which would read as "all tickets are gone".
func stranger(h http.Header) bool {
	reason := h.Get("X-Seraph-LoginReason")
	return strings.Contains(reason, "AUTHENTICATED_FAILED") || strings.Contains(reason, "AUTHENTICATION_DENIED") ||
		h.Get("X-AUSERNAME") == "anonymous"
}
