package conf

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// WriteNode writes a new, commented parley.toml. An existing file is never touched: the error is then
// fs.ErrExist. The result reads back as n.
func WriteNode(path string, n Node) error { return writeNew(path, []byte(NodeText(n))) }

// NodeText gives the commented parley.toml for n.
func NodeText(n Node) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# A parley node. Every duration is written like \"250ms\", \"10s\" or \"5m\".")
	line("name = %s", quote(n.Name))
	if n.DialOnly {
		line("dial_only = true              # never listens: dials out to every partner")
	} else {
		line("listen = %s                   # UDP, for partners", quote(n.Listen))
	}
	if len(n.Addresses) == 0 {
		line("# addresses = [\"parley.acme.example:7843\"]   # what your card tells partners to dial")
	} else {
		parts := make([]string, len(n.Addresses))
		for i, a := range n.Addresses {
			parts[i] = quote(a)
		}
		line("addresses = [%s]", strings.Join(parts, ", "))
	}
	line("console = %s                  # web console and local API; \"\" switches it off", quote(n.Console))
	line("log_level = %s                # debug, info, warn, error", quote(n.LogLevel))
	line("")
	line("[tenant]")
	line("url = %s", quote(n.Tenant.URL))
	line("flavor = %s                   # cloud or datacenter", quote(n.Tenant.Flavor))
	n.Tenant.write(line)
	line("")
	line("[poll]")
	line("every = %q                   # between two looks at the tenant; webhooks only make it faster", n.Poll.Every)
	line("overlap = %q                 # how far each look reaches back", n.Poll.Overlap)
	line("index_lag = %q               # how long a fresh write may stay unseen by search", n.Poll.IndexLag)
	line("slowest = %q                # between two looks while webhooks are proven to come", n.Poll.Slowest)
	line("sweep = %q                # between two rounds of asking for every linked ticket; \"0s\": none", n.Poll.Sweep)
	line("unmoved = %q                # between two looks for ratings and approvers' answers, which Jira calls no change; \"0s\": none", n.Poll.Unmoved)
	line("reread = %d                   # shared, open tickets an hour read in turn for web links, articles and watchers; 0: none", n.Poll.Reread)
	line("")
	line("# [webhook]                     # faster, and fewer calls; \"parley webhook show\" tells what to enter in Jira")
	line("# listen = \"127.0.0.1:7845\"     # TCP; with tls_cert and tls_key, or behind_proxy = true where a proxy takes TLS off")
	line("# url = \"https://parley.acme.example\"   # how Jira reaches it")
	line("")
	line("[settle]                       # how long an unanswered create is awaited before it is looked for and tried again")
	line("comment = %q", n.Settle.Comment)
	line("create = %q", n.Settle.Create)
	n.Budget.write(line)
	line("")
	line("# Nobody is told of trouble until there is a [notify.channel.NAME]: see \"parley notify --help\".")
	return b.String()
}

// quote writes a basic TOML string. Control characters cannot come out raw.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// writeNew creates a file that did not exist, and syncs it.
func writeNew(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}
