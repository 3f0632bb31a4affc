package adf

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// maxLinks bounds the links that a document's keys become, each of which is a node.
const maxLinks = 2000

// addresses finds addresses in text or JSON; keys finds them and what may be issue keys. A project's key is a
// capital letter and more capitals or digits, on Data Center underscores too.
var (
	addresses = regexp.MustCompile(address)
	keys      = regexp.MustCompile(address + `|[A-Z][A-Z0-9_]{1,31}-[1-9][0-9]{0,9}`)
)

const address = `(?i:https?)://[^\s<>"'|\\^{}` + "`" + `]*[^\s<>"'|\\^{}` + "`" + `.,;:!?)\]]`

// target is what becomes of an address; its Text says something in any case where there is no URL.
func (c *crossing) target(address string) Target {
	if c.link == nil {
		return Target{URL: address}
	}
	t := c.link(address)
	if t.URL == "" && t.Text == "" {
		if t.Text = "[link]"; IssueKey(address) != "" {
			t.Text = IssueKey(address)
		}
	}
	return t
}

// words is text with its addresses rewritten.
func (c *crossing) words(s string) string {
	return addresses.ReplaceAllStringFunc(s, func(address string) string {
		t := c.target(address)
		return cmp.Or(t.URL, t.Text)
	})
}

// text rewrites the addresses and keys that a text says, and its links.
func (c *crossing) text(n *Node, code bool) []*Node {
	out := *n
	out.Attrs, out.Extra, out.Marks = c.members(n.Attrs), c.members(n.Extra), c.marks(n.Marks)
	if c.key == nil {
		if c.scan {
			out.Text = c.words(n.Text)
		}
		return []*Node{&out}
	}
	linked := code || slices.ContainsFunc(out.Marks, func(m Mark) bool { return m.Type == "link" || m.Type == "code" })
	var all []*Node
	var said strings.Builder
	flush := func() {
		if said.Len() > 0 {
			part := out
			part.Text = said.String()
			all = append(all, &part)
			said.Reset()
		}
	}
	from := 0
	for _, at := range keys.FindAllStringIndex(n.Text, -1) {
		word := n.Text[at[0]:at[1]]
		said.WriteString(n.Text[from:at[0]])
		from = at[1]
		if strings.Contains(word, "://") {
			if c.scan {
				word = c.words(word)
			}
			said.WriteString(word)
			continue
		}
		if !standsAlone(n.Text, at[0], at[1]) {
			said.WriteString(word)
			continue
		}
		t := c.key(word)
		if t.Text == "" {
			t.Text = word
		}
		if t.URL == "" || linked || c.links == maxLinks {
			said.WriteString(t.Text)
			continue
		}
		c.links++
		flush()
		link := out
		link.Text = t.Text
		link.Marks = append(slices.Clip(out.Marks), Mark{Type: "link", Attrs: attrsOf("href", t.URL)})
		all = append(all, &link)
	}
	said.WriteString(n.Text[from:])
	flush()
	return all
}

// standsAlone says that what may be a key is no part of a longer word.
func standsAlone(s string, from, to int) bool {
	part := func(i int) bool {
		return i >= 0 && i < len(s) && (s[i] >= 0x80 || s[i] == '_' || s[i] == '-' || s[i] >= '0' && s[i] <= '9' || s[i]|0x20 >= 'a' && s[i]|0x20 <= 'z')
	}
	return !part(from-1) && !part(to)
}

// marks are a node's as they cross: a link leads where it may, and holds no id of the media service.
func (c *crossing) marks(list []Mark) []Mark {
	if list == nil {
		return nil
	}
	_, rules := rules()
	out := make([]Mark, 0, len(list))
	for _, m := range list {
		m.Attrs, m.Extra = c.known(m.Attrs, rules[m.Type]), c.members(m.Extra)
		if m.Type == "link" {
			for _, name := range [...]string{"id", "collection", "occurrenceKey"} {
				delete(m.Attrs, name) // known gave us our own
			}
			if href := m.Attr("href"); href != "" {
				t := c.target(href)
				if t.URL == "" {
					continue
				}
				m.Attrs["href"] = Attr(t.URL)
			}
		}
		out = append(out, m)
	}
	return out
}

// Withhold is a Link that lets no address of these hosts cross. Any other crosses as it is; a relative address is
// the tenant's own. Hosts are compared without case and port.
func Withhold(hosts ...string) func(address string) Target {
	return func(address string) Target {
		u, err := url.Parse(strings.TrimSpace(address))
		if err != nil || u.Host == "" && (u.Scheme == "" || u.Opaque == "") && !strings.HasPrefix(address, "#") ||
			slices.ContainsFunc(hosts, func(h string) bool { return strings.EqualFold(h, u.Hostname()) }) {
			return Target{}
		}
		return Target{URL: address}
	}
}

var isKey = regexp.MustCompile(`^[A-Z][A-Z0-9_]{1,31}-[1-9][0-9]{0,9}$`)

// IssueKey is the key of the issue that an address of Jira or of a portal leads to, empty where it is another's:
// …/browse/SUP-7, …/portal/3/SUP-7, …/issues/SUP-7, …?selectedIssue=SUP-7.
func IssueKey(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	if key := u.Query().Get("selectedIssue"); isKey.MatchString(key) {
		return key
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	for i := len(parts) - 1; i > 0; i-- {
		if !isKey.MatchString(parts[i]) {
			continue
		}
		if before := parts[i-1]; before == "browse" || before == "issues" || i > 1 && parts[i-2] == "portal" {
			return parts[i]
		}
	}
	return ""
}
