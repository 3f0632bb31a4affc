package sim

// What may stand where in a document, after Atlassian's JSON schema for ADF (@atlaskit/adf-schema, v1 full).
// The tables are in a notation of one line a thing, read once at start:
//
//	attributes  name:check, a "!" after the name makes it required; alternatives are divided by " | "
//	check       s string · S string that is not empty · n number · n1..6 number in a range · b true or false ·
//	            * anything · a,b,c one of these words · /…/ a pattern
//	children    kind or kind+marks, where marks names a set of adfMarkSets; "@name" stands for a list of adfGroups

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

type adfRule struct {
	attrs       []adfAttrs
	mustAttrs   bool
	hasContent  bool
	mustContent bool
	min, max    int // children; max 0: no limit
	children    []adfChild
	second      []adfChild // where set, the children from the second on (a caption after its media)
	text        bool       // a text node
	version     bool       // the root
	open        bool       // other keys pass
}

// adfChild is a kind of node as one place allows it. An empty marks means that the key may not be there at all.
type adfChild struct{ kind, marks string }

type adfAttrs []adfAttr

type adfAttr struct {
	name string
	must bool
	ok   func(any) bool
}

func (r adfRule) hasKey(key string, as adfChild) bool {
	switch key {
	case "type":
		return true
	case "attrs":
		return r.attrs != nil || r.open
	case "marks":
		return as.marks != "" || r.open
	case "content":
		return r.hasContent || r.open
	case "text":
		return r.text || r.open
	case "version":
		return r.version || r.open
	}
	return r.open
}

// at lists what the i-th child may be.
func (r adfRule) at(i int) []adfChild {
	if i > 0 && r.second != nil {
		return r.second
	}
	return r.children
}

func (a adfAttrs) judge(attrs map[string]any) string {
	known := 0
	for _, want := range a {
		v, present := attrs[want.name]
		if !present {
			if want.must {
				return "attribute " + want.name + " is missing"
			}
			continue
		}
		known++
		if !want.ok(v) {
			return "attribute " + want.name + " has a wrong value"
		}
	}
	if known != len(attrs) {
		return "an unknown attribute"
	}
	return ""
}

// The mark sets; "none" takes an empty list only.
var adfMarkSets = map[string][]string{
	"none":     {},
	"size":     {"fontSize"},
	"align":    {"fontSize", "alignment"},
	"indent":   {"fontSize", "indentation"},
	"halign":   {"alignment"},
	"hindent":  {"indentation"},
	"breakout": {"breakout"},
	"fragment": {"fragment"},
	"data":     {"dataConsumer", "fragment"},
	"link":     {"link"},
	"media":    {"dataConsumer", "link", "annotation", "border"},
	"format":   {"link", "em", "strong", "strike", "subsup", "underline", "textColor", "annotation", "backgroundColor"},
	"code":     {"code", "link", "annotation"},
}

// The marks and their attributes; a nil rule is a mark without any.
var adfMarks = map[string][]adfAttrs{
	"em": nil, "strong": nil, "strike": nil, "underline": nil, "code": nil,
	"subsup":          readAttrs("type!:sub,sup"),
	"textColor":       readAttrs("color!:/^#[0-9a-fA-F]{6}$/"),
	"backgroundColor": readAttrs("color!:/^#[0-9a-fA-F]{6}$/"),
	"border":          readAttrs("size!:n1..3 color!:/^#[0-9a-fA-F]{8}$|^#[0-9a-fA-F]{6}$/"),
	"link":            readAttrs("href!:s title:s id:s collection:s occurrenceKey:s"),
	"annotation":      readAttrs("id!:s annotationType!:inlineComment"),
	"alignment":       readAttrs("align!:center,end"),
	"indentation":     readAttrs("level!:n1..6"),
	"fontSize":        readAttrs("fontSize!:small"),
	"breakout":        readAttrs("mode!:wide,full-width width:n"),
	"dataConsumer":    readAttrs("sources!:[s]"),
	"fragment":        readAttrs("localId!:S name:s"),
}

const (
	adfLayouts    = "wide,full-width,center,wrap-right,wrap-left,align-end,align-start"
	adfCellAttrs  = "colspan:n rowspan:n colwidth:[n] background:s localId:s valign:top,middle,bottom"
	adfExtension  = "extensionKey!:S extensionType!:S parameters:* text:s localId:S"
	adfExtensionB = adfExtension + " layout:wide,full-width,default"
	adfMediaSizes = "width:n height:n"
)

var adfGroups = map[string]string{
	"inline": "text+format text+code date emoji hardBreak inlineCard mention placeholder status inlineExtension+data mediaInline+media",
	"media1": "mediaSingle+link",
	"lists":  "bulletList orderedList taskList decisionList",
	"plain": "paragraph+none paragraph+size panel blockquote orderedList bulletList rule heading+none codeBlock+none mediaGroup @media1" +
		" decisionList taskList table+fragment blockCard embedCard extension+data",
	"block": "blockCard paragraph+none paragraph+align paragraph+indent @media1 codeBlock+none @lists heading+none heading+halign heading+hindent" +
		" mediaGroup rule panel blockquote extension+data embedCard table+fragment expand+none bodiedExtension+data",
	"cell": "paragraph+none paragraph+align panel blockquote orderedList bulletList rule heading+none heading+halign heading+hindent codeBlock+none" +
		" @media1 mediaGroup decisionList taskList blockCard embedCard extension+data nestedExpand+none",
	"task": "paragraph+none paragraph+size extension+data",
}

var adfNodes = readNodes([]nodeLine{
	{kind: "doc", children: "@block codeBlock+breakout layoutSection+breakout expand+breakout syncBlock+breakout bodiedSyncBlock+breakout", must: true},
	{kind: "paragraph", attrs: "localId:s", children: "@inline"},
	{kind: "heading", attrs: "level!:n1..6 localId:s", children: "@inline"},
	{kind: "text"},
	{kind: "hardBreak", attrs: "text:\n localId:s"},
	{kind: "mention", attrs: "id!:s localId:s text:s accessLevel:s userType:DEFAULT,SPECIAL,APP"},
	{kind: "emoji", attrs: "shortName!:s id:s text:s localId:s"},
	{kind: "date", attrs: "timestamp!:S localId:s"},
	{kind: "status", attrs: "text!:S color!:/^(neutral|purple|blue|red|yellow|green|#[0-9a-fA-F]{6})$/ localId:s style:s"},
	{kind: "placeholder", attrs: "text!:s localId:s"},
	{kind: "inlineCard", attrs: "url!:s localId:s | data!:* localId:s"},
	{kind: "inlineExtension", attrs: adfExtension},
	{kind: "mediaInline", attrs: "type:link,file,image localId:s id!:S alt:s collection!:s occurrenceKey:S data:* " + adfMediaSizes},
	{kind: "bulletList", attrs: "localId:s", children: "listItem", min: 1},
	{kind: "orderedList", attrs: "order:n0.. localId:s", children: "listItem", min: 1},
	{kind: "listItem", attrs: "localId:s", min: 1,
		children: "paragraph+size paragraph+none bulletList orderedList taskList @media1 codeBlock+none extension+data"},
	{kind: "taskList", attrs: "localId!:s", children: "taskItem taskList blockTaskItem", min: 1},
	{kind: "taskItem", attrs: "localId!:s state!:TODO,DONE", children: "@inline"},
	{kind: "blockTaskItem", attrs: "localId!:s state!:TODO,DONE", children: "@task", min: 1},
	{kind: "decisionList", attrs: "localId!:s", children: "decisionItem", min: 1},
	{kind: "decisionItem", attrs: "localId!:s state!:s", children: "@inline"},
	{kind: "codeBlock", attrs: "language:s uniqueId:s localId:s wrap:b hideLineNumbers:b", children: "text+none"},
	{kind: "blockquote", attrs: "localId:s", min: 1,
		children: "paragraph+none orderedList bulletList codeBlock+none @media1 mediaGroup extension+data"},
	{kind: "panel", min: 1,
		attrs: "panelType!:info,note,tip,warning,error,success,custom panelIcon:s panelIconId:s panelIconText:s panelColor:s localId:s",
		children: "paragraph+none paragraph+size heading+none bulletList orderedList blockCard mediaGroup @media1 codeBlock+none taskList rule" +
			" decisionList extension+data"},
	{kind: "rule", attrs: "localId:s"},
	{kind: "table", min: 1, children: "tableRow",
		attrs: "displayMode:default,fixed isNumberColumnEnabled:b layout:wide,full-width,center,align-end,align-start,default localId:S width:n"},
	{kind: "tableRow", attrs: "localId:s", children: "tableCell tableHeader", must: true},
	{kind: "tableCell", attrs: adfCellAttrs, children: "@cell", min: 1},
	{kind: "tableHeader", attrs: adfCellAttrs, children: "@cell", min: 1},
	{kind: "mediaSingle", children: "media+media", second: "caption", min: 1, max: 2, open: true,
		attrs: "localId:s width:n0..100 layout!:" + adfLayouts + " widthType:percentage | localId:s width!:n0.. widthType!:pixel layout!:" + adfLayouts},
	{kind: "mediaGroup", children: "media+media", min: 1},
	{kind: "media", attrs: "type!:link,file localId:s id!:S alt:s collection!:s occurrenceKey:S " + adfMediaSizes +
		" | type!:external localId:s alt:s url!:s " + adfMediaSizes},
	{kind: "caption", attrs: "localId:s",
		children: "hardBreak mention emoji date placeholder inlineCard status text+format text+code"},
	{kind: "expand", attrs: "title:s localId:s", children: "@plain nestedExpand+none", min: 1},
	{kind: "nestedExpand", attrs: "title:s localId:s", mustAttrs: true, min: 1,
		children: "paragraph+none paragraph+size heading+none @media1 mediaGroup codeBlock+none bulletList orderedList taskList decisionList rule" +
			" panel blockquote extension+data"},
	{kind: "layoutSection", attrs: "localId:s", children: "layoutColumn", min: 2, max: 3},
	{kind: "layoutColumn", attrs: "width!:n0..100 localId:s valign:top,middle,bottom", children: "@block", min: 1},
	{kind: "blockCard", attrs: "datasource!:{} localId:s url:s width:n layout:" + adfLayouts + " | url!:s localId:s | data!:* localId:s", mustAttrs: true},
	{kind: "embedCard", attrs: "url!:s layout!:" + adfLayouts + " width:n0..100 originalHeight:n originalWidth:n localId:s"},
	{kind: "extension", attrs: adfExtensionB},
	{kind: "bodiedExtension", attrs: adfExtensionB, children: "@plain", min: 1},
	{kind: "syncBlock", attrs: "resourceId!:s localId!:s"},
	{kind: "bodiedSyncBlock", attrs: "resourceId!:s localId!:s", min: 1, children: "@block layoutSection+breakout"},
})

// nodeLine is one line of the table, as written.
type nodeLine struct {
	kind, attrs, children, second string
	min, max                      int
	mustAttrs, must, open         bool
}

func readNodes(lines []nodeLine) map[string]adfRule {
	out := make(map[string]adfRule, len(lines))
	for _, l := range lines {
		r := adfRule{attrs: readAttrs(l.attrs), mustAttrs: l.mustAttrs, min: l.min, max: l.max, mustContent: l.must, open: l.open,
			text: l.kind == "text", version: l.kind == "doc", hasContent: l.children != ""}
		for _, alt := range r.attrs {
			for _, a := range alt {
				r.mustAttrs = r.mustAttrs || a.must && l.kind != "mediaSingle" // a mediaSingle may go without a layout
			}
		}
		r.children, r.second = readChildren(l.children), readChildren(l.second)
		out[l.kind] = r
	}
	return out
}

func readChildren(s string) (out []adfChild) {
	for _, word := range strings.Fields(s) {
		if group, ok := strings.CutPrefix(word, "@"); ok {
			out = append(out, readChildren(adfGroups[group])...)
			continue
		}
		kind, marks, _ := strings.Cut(word, "+")
		out = append(out, adfChild{kind, marks})
	}
	return out
}

func readAttrs(s string) (out []adfAttrs) {
	if s == "" {
		return nil
	}
	for _, alt := range strings.Split(s, " | ") {
		var attrs adfAttrs
		for _, word := range strings.Split(alt, " ") {
			name, check, ok := strings.Cut(word, ":")
			if !ok {
				continue
			}
			name, must := strings.CutSuffix(name, "!")
			attrs = append(attrs, adfAttr{name, must, readCheck(check)})
		}
		out = append(out, attrs)
	}
	return out
}

func readCheck(s string) func(any) bool {
	switch {
	case s == "s":
		return isString
	case s == "S":
		return func(v any) bool { t, ok := v.(string); return ok && t != "" }
	case s == "b":
		return func(v any) bool { _, ok := v.(bool); return ok }
	case s == "*":
		return func(any) bool { return true }
	case s == "{}":
		return isDatasource
	case s == "[s]":
		return func(v any) bool { return isList(v, 1, isString) }
	case s == "[n]":
		return func(v any) bool { return isList(v, 0, inRange("", "")) }
	case s == "n":
		return inRange("", "")
	case len(s) > 1 && s[0] == 'n' && strings.Contains(s, ".."):
		low, high, _ := strings.Cut(s[1:], "..")
		return inRange(low, high)
	case s[0] == '/':
		re := regexp.MustCompile(s[1 : len(s)-1])
		return func(v any) bool { t, ok := v.(string); return ok && re.MatchString(t) }
	}
	words := strings.Split(s, ",")
	return func(v any) bool { t, ok := v.(string); return ok && slices.Contains(words, t) }
}

func isString(v any) bool { _, ok := v.(string); return ok }

func isList(v any, least int, ok func(any) bool) bool {
	list, is := v.([]any)
	if !is || len(list) < least {
		return false
	}
	for _, item := range list {
		if !ok(item) {
			return false
		}
	}
	return true
}

// isDatasource knows the one attribute with an inside: {id, parameters, views:[{type, properties?}…]}.
func isDatasource(v any) bool {
	m, ok := v.(map[string]any)
	if !ok || !isString(m["id"]) || !hasKey(m, "parameters") || len(m) != 3 {
		return false
	}
	return isList(m["views"], 1, func(v any) bool {
		view, ok := v.(map[string]any)
		if !ok || !isString(view["type"]) {
			return false
		}
		return len(view) == 1 || len(view) == 2 && hasKey(view, "properties")
	})
}

func inRange(low, high string) func(any) bool {
	return func(v any) bool {
		n, ok := v.(json.Number)
		if !ok {
			return false
		}
		f, err := n.Float64()
		if err != nil {
			return false
		}
		lo, errLow := strconv.ParseFloat(low, 64)
		hi, errHigh := strconv.ParseFloat(high, 64)
		return (errLow != nil || f >= lo) && (errHigh != nil || f <= hi)
	}
}

func numberIs(n json.Number, want float64) bool {
	f, err := n.Float64()
	return err == nil && f == want
}
