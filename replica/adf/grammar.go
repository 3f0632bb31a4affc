package adf

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// grammar says what may stand where, after Atlassian's JSON schema (@atlaskit/adf-schema 57.7.22, v1/full.json).
// One line a node, and one a mark behind "mark":
//
//	NODE ATTRIBUTES >COUNT CHILDREN
//
//	attribute  NAME=CHECK, "?" behind the name where it may be missing; " / " parts two ways to give them all.
//	           Without a check it is text; + text that is not empty; num, 1..6, 0.. a number; a|b one of these words;
//	           anything else is a name in checks. A node with a demanded attribute demands attrs; !may and !must say
//	           otherwise.
//	count      * any, the member may be missing; ! any, it may not; + one or more; 2-3 so many
//	child      NODE(MARKS): with no other marks than these; NODE alone: with no marks member at all.
//	           Behind ";" stand those from the second on. $ names a group.
const grammar = `
doc              >! $block codeBlock($breakout) layoutSection($breakout) expand($breakout) syncBlock($breakout) bodiedSyncBlock($breakout)
paragraph        localId? >* $inline
heading          level=1..6 localId? >* $inline
text
hardBreak        text?=newline localId?
mention          id localId? text? accessLevel? userType?=DEFAULT|SPECIAL|APP
emoji            shortName id? text? localId?
date             timestamp=+ localId?
status           text=+ color=statuscolor localId? style?
placeholder      text localId?
inlineCard       url localId? / data=any localId?
blockCard        datasource=datasource url? width?=num layout?=$layouts localId? / url localId? / data=any localId?
embedCard        url layout=$layouts width?=0..100 originalHeight?=num originalWidth?=num localId?
inlineExtension  extensionKey=+ extensionType=+ parameters?=any text? localId?=+
extension        extensionKey=+ extensionType=+ parameters?=any text? localId?=+ layout?=wide|full-width|default
bodiedExtension  extensionKey=+ extensionType=+ parameters?=any text? localId?=+ layout?=wide|full-width|default >+ $plain
bulletList       localId? >+ listItem
orderedList      order?=0.. localId? >+ listItem
listItem         localId? >+ paragraph() paragraph(fontSize) bulletList orderedList taskList $single codeBlock() $extension
taskList         localId >+ taskItem taskList blockTaskItem
taskItem         localId state=TODO|DONE >* $inline
blockTaskItem    localId state=TODO|DONE >+ paragraph() paragraph(fontSize) $extension
decisionList     localId >+ decisionItem
decisionItem     localId state >* $inline
codeBlock        language? uniqueId? wrap?=bool hideLineNumbers?=bool localId? >* text()
blockquote       localId? >+ paragraph() orderedList bulletList codeBlock() $single mediaGroup $extension
panel            panelType=info|note|tip|warning|error|success|custom panelIcon? panelIconId? panelIconText? panelColor? localId? >+ paragraph() paragraph(fontSize) heading() bulletList orderedList blockCard mediaGroup $single codeBlock() taskList rule decisionList $extension
rule             localId?
table            displayMode?=default|fixed isNumberColumnEnabled?=bool layout?=wide|full-width|center|align-end|align-start|default width?=num localId?=+ >+ tableRow
tableRow         localId? >! tableCell tableHeader
tableCell        colspan?=num rowspan?=num colwidth?=nums background? valign?=top|middle|bottom localId? >+ $cell
tableHeader      colspan?=num rowspan?=num colwidth?=nums background? valign?=top|middle|bottom localId? >+ $cell
mediaSingle      !may layout=$layouts width?=0..100 widthType?=percentage localId? / layout=$layouts width=0.. widthType=pixel localId? >1-2 media($media) ; caption
mediaGroup       >+ media($media)
media            type=link|file id=+ collection alt? width?=num height?=num occurrenceKey?=+ localId? / type=external url alt? width?=num height?=num localId?
mediaInline      type?=link|file|image id=+ collection alt? width?=num height?=num occurrenceKey?=+ data?=any localId?
caption          localId? >* hardBreak mention emoji date placeholder inlineCard status $text
expand           title? localId? >+ $plain nestedExpand()
nestedExpand     !must title? localId? >+ paragraph() paragraph(fontSize) heading() $single mediaGroup codeBlock() $lists rule panel blockquote $extension
layoutSection    localId? >2-3 layoutColumn
layoutColumn     width=0..100 valign?=top|middle|bottom localId? >+ $block
syncBlock        resourceId localId
bodiedSyncBlock  resourceId localId >+ $block layoutSection($breakout)

mark em
mark strong
mark strike
mark underline
mark code
mark subsup          type=sub|sup
mark textColor       color=hex6
mark backgroundColor color=hex6
mark border          size=1..3 color=hex8
mark link            href title? id? collection? occurrenceKey?
mark annotation      id annotationType=inlineComment
mark alignment       align=center|end
mark indentation     level=1..6
mark fontSize        fontSize=small
mark breakout        mode=wide|full-width width?=num
mark dataConsumer    sources=strings
mark fragment        localId=+ name?
`

// groups are written out before grammar is read, from the first to the last.
var groups = strings.NewReplacer(
	"$inline", "$text date emoji hardBreak inlineCard mention placeholder status inlineExtension(dataConsumer fragment) mediaInline($media)",
	"$block", "$plain paragraph(fontSize alignment) paragraph(fontSize indentation) heading(alignment) heading(indentation) expand() bodiedExtension(dataConsumer fragment)",
	"$plain", "paragraph() paragraph(fontSize) panel blockquote $lists rule heading() codeBlock() mediaGroup $single table(fragment) blockCard embedCard $extension",
	"$cell", "paragraph() paragraph(fontSize alignment) panel blockquote $lists rule heading() heading(alignment) heading(indentation) codeBlock() $single mediaGroup blockCard embedCard $extension nestedExpand()",
	"$lists", "bulletList orderedList taskList decisionList",
	"$single", "mediaSingle(link)",
	"$extension", "extension(dataConsumer fragment)",
	"$text", "text(link em strong strike subsup underline textColor annotation backgroundColor) text(code link annotation)",
	"$media", "dataConsumer link annotation border",
	"$breakout", "breakout",
	"$layouts", "wide|full-width|center|wrap-right|wrap-left|align-end|align-start",
)

// rule is one line of the grammar.
type rule struct {
	attrs    []map[string]attrRule // the ways to give them; nil: the member is refused
	demanded bool                  // the attrs
	content  bool                  // it has content
	present  bool                  // the content member is there
	min, max int                   // children; max 0: no limit
	first    []child               // what the first child may be, and all where rest is nil
	rest     []child
}

type attrRule struct {
	demanded bool
	fits     func(any) bool
}

// child is a node as one place allows it; marks is nil where the member is refused.
type child struct {
	kind  string
	marks []string
}

// rules are the nodes' and the marks' lines, by type.
var rules = sync.OnceValues(func() (nodes, marks map[string]*rule) {
	nodes, marks = map[string]*rule{}, map[string]*rule{}
	text := grammar
	for strings.Contains(text, "$") {
		text = groups.Replace(text)
	}
	for line := range strings.Lines(text) {
		line, isMark := strings.CutPrefix(strings.TrimSpace(line), "mark ")
		kind, line, _ := strings.Cut(line, " ")
		if isMark {
			marks[kind] = readRule(line)
		} else if kind != "" {
			nodes[kind] = readRule(line)
		}
	}
	return nodes, marks
})

func readRule(line string) *rule {
	r := new(rule)
	attrs, content, hasContent := strings.Cut(line, ">")
	for _, way := range strings.Split(attrs, " / ") {
		all := map[string]attrRule{}
		for _, word := range strings.Fields(way) {
			name, check, _ := strings.Cut(word, "=")
			name, optional := strings.CutSuffix(name, "?")
			if !strings.HasPrefix(name, "!") {
				all[name] = attrRule{!optional, fits(check)}
				r.demanded = r.demanded || !optional
			}
		}
		if len(all) > 0 {
			r.attrs = append(r.attrs, all)
		}
	}
	r.demanded = r.demanded && !strings.Contains(attrs, "!may") || strings.Contains(attrs, "!must")
	if hasContent {
		count, children, _ := strings.Cut(content, " ")
		r.content, r.present = true, count != "*"
		low, high, _ := strings.Cut(strings.NewReplacer("*", "0", "!", "0", "+", "1").Replace(count), "-")
		r.min, _ = strconv.Atoi(low)
		r.max, _ = strconv.Atoi(high)
		first, rest, _ := strings.Cut(children, " ; ")
		r.first, r.rest = readChildren(first), readChildren(rest)
	}
	return r
}

var childWord = regexp.MustCompile(`(\w+)(\([\w ]*\))?`)

func readChildren(s string) (all []child) {
	for _, m := range childWord.FindAllStringSubmatch(s, -1) {
		c := child{kind: m[1]}
		if m[2] != "" {
			c.marks = append([]string{}, strings.Fields(strings.Trim(m[2], "()"))...)
		}
		all = append(all, c)
	}
	return all
}

// checks are what an attribute may be, by the names that the grammar uses.
var checks = map[string]func(any) bool{
	"":            isText,
	"+":           func(v any) bool { return isText(v) && v != "" },
	"any":         func(any) bool { return true },
	"bool":        func(v any) bool { _, ok := v.(bool); return ok },
	"num":         isNumber,
	"nums":        func(v any) bool { return isList(v, 0, isNumber) },
	"strings":     func(v any) bool { return isList(v, 1, isText) },
	"newline":     func(v any) bool { return v == "\n" },
	"hex6":        matches(`^#[0-9a-fA-F]{6}$`),
	"hex8":        matches(`^#([0-9a-fA-F]{6}|[0-9a-fA-F]{8})$`),
	"statuscolor": matches(`^(neutral|purple|blue|red|yellow|green|#[0-9a-fA-F]{6})$`),
	"datasource":  isDatasource,
}

func fits(check string) func(any) bool {
	if f := checks[check]; f != nil {
		return f
	}
	if low, high, ok := strings.Cut(check, ".."); ok {
		return within(low, high)
	}
	words := strings.Split(check, "|")
	return func(v any) bool { s, ok := v.(string); return ok && slices.Contains(words, s) }
}

func isText(v any) bool { _, ok := v.(string); return ok }

func isNumber(v any) bool { _, ok := v.(json.Number); return ok }

func matches(pattern string) func(any) bool {
	re := regexp.MustCompile(pattern)
	return func(v any) bool { s, ok := v.(string); return ok && re.MatchString(s) }
}

func within(low, high string) func(any) bool {
	least, _ := strconv.ParseFloat(low, 64)
	most, err := strconv.ParseFloat(high, 64)
	return func(v any) bool {
		n, isNumber := v.(json.Number)
		f, bad := n.Float64()
		return isNumber && bad == nil && f >= least && (err != nil || f <= most)
	}
}

func isList(v any, least int, each func(any) bool) bool {
	list, ok := v.([]any)
	return ok && len(list) >= least && !slices.ContainsFunc(list, func(e any) bool { return !each(e) })
}

// isDatasource knows the one attribute with members of its own: {id, parameters, views: [{type, properties?}]}.
func isDatasource(v any) bool {
	m, ok := v.(map[string]any)
	_, has := m["parameters"]
	return ok && has && len(m) == 3 && isText(m["id"]) && isList(m["views"], 1, func(v any) bool {
		view, ok := v.(map[string]any)
		_, more := view["properties"]
		return ok && isText(view["type"]) && (len(view) == 1 || more && len(view) == 2)
	})
}
