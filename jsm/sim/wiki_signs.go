package sim

// The signs of wiki markup that both directions know: languages of code blocks, emoticons, colours, escapes.

import (
	"regexp"
	"strconv"
	"strings"
)

// wikiEscapes finds what would start a macro or a picture.
var wikiEscapes = regexp.MustCompile(`\{(?:code|noformat|quote|panel|color|adf|anchor)(?::[^}\n]*)?\}|![^!\s][^!\n]*\.[^!\n]*!`)

// codeLanguages are the languages that Jira's {code} macro names; others fall back to {noformat}.
var codeLanguages = wordSet("actionscript actionscript3 ada applescript bash c c# c++ cpp css erlang go groovy haskell html java javascript js" +
	" json lua none nyan objc perl php python r rainbow ruby scala sh sql swift visualbasic xml yaml")

func wordSet(s string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(s) {
		set[w] = true
	}
	return set
}

type emoticon struct{ sign, short, id, text string }

// emoticons are the signs that Jira turns into emoji. A longer sign stands before its own beginning.
var emoticons = []emoticon{
	{":-)", ":slight_smile:", "1f642", "🙂"}, {":)", ":slight_smile:", "1f642", "🙂"},
	{":-(", ":disappointed:", "1f61e", "😞"}, {":(", ":disappointed:", "1f61e", "😞"},
	{":-P", ":stuck_out_tongue:", "1f61b", "😛"}, {":P", ":stuck_out_tongue:", "1f61b", "😛"}, {":p", ":stuck_out_tongue:", "1f61b", "😛"},
	{":-D", ":smiley:", "1f603", "😃"}, {":D", ":smiley:", "1f603", "😃"},
	{";-)", ":wink:", "1f609", "😉"}, {";)", ":wink:", "1f609", "😉"},
	{"(y)", ":thumbsup:", "1f44d", "👍"}, {"(n)", ":thumbsdown:", "1f44e", "👎"},
	own("(i)", "info"), own("(/)", "check_mark"), own("(x)", "cross_mark"), own("(!)", "warning"), own("(+)", "plus"), own("(-)", "minus"),
	{"(?)", ":question:", "atlassian-question_mark", ":question:"}, own("(on)", "light_bulb_on"), own("(off)", "light_bulb_off"),
	own("(*y)", "yellow_star"), own("(*)", "yellow_star"), own("(*r)", "red_star"), own("(*g)", "green_star"), own("(*b)", "blue_star"),
	own("(flag)", "flag_on"), own("(flagoff)", "flag_off"),
}

// own is an emoji that only Atlassian has: its text is its short name.
func own(sign, name string) emoticon {
	return emoticon{sign, ":" + name + ":", "atlassian-" + name, ":" + name + ":"}
}

func wikiEmoji(n *adfNode) string {
	for _, e := range emoticons {
		if strings.HasPrefix(e.id, "atlassian-") && e.id == n.attr("id") {
			return e.sign
		}
	}
	return orElse(n.attr("text"), n.attr("shortName"))
}

var colourNames = map[string]string{
	"red": "#ff0000", "blue": "#0000ff", "green": "#008000", "black": "#000000", "white": "#ffffff", "yellow": "#ffff00", "orange": "#ffa500",
	"gray": "#808080", "grey": "#808080", "purple": "#800080", "navy": "#000080", "teal": "#008080", "maroon": "#800000", "lime": "#00ff00",
	"olive": "#808000", "silver": "#c0c0c0", "aqua": "#00ffff", "cyan": "#00ffff", "fuchsia": "#ff00ff", "magenta": "#ff00ff",
	"pink": "#ffc0cb", "brown": "#a52a2a", "darkgreen": "#006400", "darkblue": "#00008b", "darkred": "#8b0000", "lightgrey": "#d3d3d3",
}

var hexColourForm = regexp.MustCompile(`^#(?:[0-9a-fA-F]{6}|[0-9a-fA-F]{3})$`)

// hexColour gives a colour as #rrggbb, or fallback.
func hexColour(s, fallback string) string {
	s = strings.TrimSpace(s)
	if hex, ok := colourNames[strings.ToLower(s)]; ok {
		return hex
	}
	if !hexColourForm.MatchString(s) {
		return fallback
	}
	if len(s) == 4 {
		s = "#" + strings.Repeat(s[1:2], 2) + strings.Repeat(s[2:3], 2) + strings.Repeat(s[3:4], 2)
	}
	return strings.ToLower(s)
}

func parseMillis(s string) (int64, bool) {
	ms, err := strconv.ParseInt(s, 10, 64)
	return ms, err == nil && ms > -1<<52 && ms < 1<<52
}
