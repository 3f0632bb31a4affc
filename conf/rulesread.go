package conf

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

const maxIncludes = 64 // profiles and map files of one connection

// ReadRules reads a connection's rules from a home. Wrong content is a *Problems with everything wrong
// in the file and in what it includes; a file that cannot be read is another error.
func ReadRules(home fs.FS, file string) (*Rules, error) {
	return readRules(file, func(name string) ([]byte, error) { return readBounded(home, name) })
}

// ParseRules reads rules again from the sources of a published version.
func ParseRules(sources map[string][]byte, file string) (*Rules, error) {
	return readRules(file, func(name string) ([]byte, error) {
		b, ok := sources[name]
		if !ok {
			return nil, fmt.Errorf("opening %s: %w", name, fs.ErrNotExist)
		}
		return b, nil
	})
}

func readBounded(home fs.FS, name string) ([]byte, error) {
	f, err := home.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxDocument+1))
}

// A rulesReader reads one connection with its includes.
type rulesReader struct {
	open func(string) ([]byte, error)
	ps   *Problems
	r    *Rules
}

func readRules(file string, open func(string) ([]byte, error)) (*Rules, error) {
	rd := &rulesReader{open: open, ps: &Problems{}, r: &Rules{File: file, sources: map[string][]byte{}}}
	content, err := open(file)
	if err != nil {
		return nil, fmt.Errorf("reading rules %s: %w", file, err)
	}
	rd.r.sources[file] = content
	root := parse(file, content, rd.ps)
	if root == nil {
		return nil, rd.ps.Err()
	}
	if root, err = rd.profile(root); err != nil {
		return nil, err
	}
	if err := rd.rules(root); err != nil {
		return nil, err
	}
	if err := rd.ps.Err(); err != nil {
		return nil, err
	}
	return rd.r, nil
}

// include reads a file that a document names. A name that cannot be one, or a file that is not there,
// is a problem of the line that names it.
func (rd *rulesReader) include(name Text) (*node, error) {
	if !fs.ValidPath(name.Value) || !strings.HasSuffix(name.Value, ".toml") || strings.Contains(name.Value, `\`) {
		rd.ps.Add(name.Pos, `for example "maps/priority.toml"`, "%q is not a file of this home", name.Value)
		return nil, nil
	}
	content, known := rd.r.sources[name.Value]
	if !known {
		if len(rd.r.sources) > maxIncludes {
			rd.ps.Add(name.Pos, "", "more than %d files are included", maxIncludes)
			return nil, nil
		}
		var err error
		content, err = rd.open(name.Value)
		if errors.Is(err, fs.ErrNotExist) {
			rd.ps.Add(name.Pos, "paths begin at the node's home", "there is no file %q", name.Value)
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", name.Value, err)
		}
		rd.r.sources[name.Value] = content
	}
	return parse(name.Value, content, rd.ps), nil
}

// profile lays the file over the profile that it uses.
func (rd *rulesReader) profile(root *node) (*node, error) {
	use := root.kid("use")
	if use == nil {
		return root, nil
	}
	if _, ok := use.value.(string); !ok {
		rd.ps.Add(use.at, `for example use = "profiles/client.toml"`, `"use" must be a string, not %s`, use.kind())
		return root, nil
	}
	under, err := rd.include(use.text())
	if err != nil || under == nil {
		return root, err
	}
	if again := under.kid("use"); again != nil {
		rd.ps.Add(again.key, "a profile stands alone", "a profile cannot use another profile")
		return root, nil
	}
	return merge(under, root), nil
}

func (rd *rulesReader) rules(root *node) error {
	r, ps := rd.r, rd.ps
	t := openTable(root, "the top of "+r.File, ps)
	t.get("use")
	rd.top(t)
	if c, ok := t.sub("const", "[const]"); ok {
		for _, k := range c.n.kids {
			if !goodConst(k.name) {
				ps.Add(k.key, "letters, digits and _", "const %q cannot be named in an expression", k.name)
			}
			r.Const = append(r.Const, Const{Name: k.name, Pos: k.key, Value: c.literal(k.name)})
		}
	}
	if tr, ok := t.sub("trigger", "[trigger]"); ok {
		r.Trigger.JQL = tr.text("jql")
		if strings.TrimSpace(r.Trigger.JQL.Value) == "" {
			ps.Add(tr.n.key, "without [trigger] tickets start by hand and by the peer", "[trigger] has no jql")
		}
		r.Trigger.Leave = tr.choice("leave", "keep", "pause", "unlink")
		tr.done(misplaced)
	} else {
		r.Trigger.Leave = Text{Value: "keep"}
	}
	if l, ok := t.sub("limits", "[limits]"); ok {
		r.Limits.TicketsPerDay, r.Limits.FirstDay = l.count("tickets_per_day"), l.count("first_day")
		r.Limits.WritesPerItemHour = l.count("writes_per_item_hour")
		r.Limits.readBytes(l)
		l.done(misplaced)
	}
	if err := rd.people(t); err != nil {
		return err
	}
	for _, d := range []struct {
		name, list string
		to         *Direction
	}{{"outgoing", "share", &r.Outgoing}, {"incoming", "accept", &r.Incoming}} {
		sub, ok := t.sub(d.name, "["+d.name+"]")
		if !ok {
			continue
		}
		if err := rd.direction(sub, d.list, d.to); err != nil {
			return err
		}
	}
	t.done(func(k *node) string {
		if checkName := (Text{Value: k.name, Pos: k.key}); k.isTable && EntityKnown(checkName.Value) {
			return fmt.Sprintf("write [outgoing.%s] or [incoming.%s]", quoteKey(k.name), quoteKey(k.name))
		}
		return ""
	})
	return nil
}

func (rd *rulesReader) top(t *table) {
	r, ps := rd.r, rd.ps
	r.Peer = t.text("peer")
	switch {
	case !r.Peer.IsSet():
		ps.Add(Pos{r.File, 1, 1}, `write peer = "…", a partner of "parley pair list"`, "the rules name no peer")
	case !goodName.MatchString(r.Peer.Value):
		ps.Add(r.Peer.Pos, nameHint, "peer = %q cannot be a peer's name", r.Peer.Value)
	}
	if r.Connection = t.text("connection"); !r.Connection.IsSet() {
		r.Connection.Value = strings.TrimSuffix(path.Base(r.File), ".toml")
	}
	if !goodName.MatchString(r.Connection.Value) {
		at := r.Connection.Pos
		if !at.IsSet() {
			at = Pos{r.File, 1, 1}
		}
		ps.Add(at, nameHint, "%q cannot be a connection's name", r.Connection.Value)
	}
	r.Projects = t.texts("project", true)
	for _, p := range r.Projects {
		if !goodProject(p.Value) {
			ps.Add(p.Pos, `a project's key, for example "SUPPORT"`, "project %q is not a key", p.Value)
		}
	}
	if len(r.Projects) == 0 && t.n.kid("project") == nil {
		ps.Add(Pos{r.File, 1, 1}, `write project = "SUPPORT"`, "the rules name no local project")
	}
	r.Relay = t.flag("relay", false)
	r.Since = t.choice("since", "link", "all")
	r.ApproveFirst = t.flag("approve_first", false)
}

func (rd *rulesReader) people(t *table) error {
	pt, _ := t.sub("people", "[people]")
	p := &rd.r.People
	p.Share = pt.choice("share", "company", "alias", "name", "email")
	if pt.n.kid("match") != nil {
		p.Match = pt.choice("match", "email")
	}
	p.Else = Text{Value: "note"}
	switch n := pt.n.kid("else"); {
	case n == nil:
	case n.isTable:
		user := openTable(n, "[people] else", rd.ps)
		pt.get("else")
		if p.ElseUser = user.text("user"); p.ElseUser.Value == "" {
			rd.ps.Add(n.at, `for example else = { user = "desk@acme.example" }`, "else in [people] names no user")
		}
		p.Else = Text{Value: "user", Pos: n.at}
		user.done(nil)
	default:
		p.Else = pt.choice("else", "note", "drop")
	}
	var err error
	p.Map, err = rd.mapping(pt, "map")
	pt.done(misplaced)
	return err
}

// misplaced hints at words that belong to the top of the file.
func misplaced(k *node) string {
	for _, w := range topWords {
		if k.name == w {
			return "did you mean to put this at the top, before the first [table]?"
		}
	}
	return ""
}

func goodConst(s string) bool {
	for i, r := range s {
		if r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// goodProject follows Jira's widest default: letters, digits, underscore, beginning with a letter.
func goodProject(s string) bool { return goodConst(s) && s[0] != '_' }
