package jql

import "strings"

// keywords have a meaning in the grammar. Case does not matter. NULL is EMPTY.
var keywords = map[string]kind{
	"in": inWord, "is": isWord, "and": andWord, "or": orWord, "not": notWord, "empty": emptyWord, "null": emptyWord,
	"was": wasWord, "changed": changedWord, "order": orderWord, "by": byWord, "asc": directionWord, "desc": directionWord,
	"after": predicateWord, "before": predicateWord, "on": predicateWord, "during": predicateWord, "from": predicateWord, "to": predicateWord,
	"cf": customFieldWord,
}

// reserved is the kind of the words that Jira keeps without giving them a meaning: no query may hold one without quotes.
const reserved kind = 255

func init() {
	for _, w := range strings.Fields(`abort access add alias alter any as audit avg begin between boolean break byte
		catch char character check checkpoint collate collation column commit connect continue count create current
		date decimal declare decrement default defaults define delete delimiter difference distinct divide do double drop
		else encoding end equals escape exclusive exec execute exists explain false fetch file field first float for function
		go goto grant greater group having identified if immediate increment index initial inner inout input insert int integer
		intersect intersection into isempty isnull join last left less like limit lock long max min minus mode modify modulo more
		multiply next noaudit notin nowait number object of option outer output power previous prior privileges public
		raise raw remainder rename resource return returns revoke right row rowid rownum rows select session set share size sqrt
		start strict string subtract sum synonym table then trans transaction trigger true uid union unique update user
		validate values view when whenever where while with`) {
		keywords[w] = reserved
	}
}

const longestKeyword = len("intersection")

// classify tells what a bare word without escapes is, and gives its meaning: a keyword in lower case, any other as it stands.
func classify(s string) (kind, string) {
	if isInteger(s) {
		if s[0] == '-' {
			return negativeNumber, s
		}
		return positiveNumber, s
	}
	if len(s) <= longestKeyword {
		var buf [longestKeyword]byte
		low := buf[:len(s)]
		for i := range len(s) {
			low[i] = s[i]
			if s[i] >= 'A' && s[i] <= 'Z' {
				low[i] += 'a' - 'A'
			}
		}
		if k, ok := keywords[string(low)]; ok {
			if string(low) == s {
				return k, s
			}
			return k, string(low)
		}
	}
	return word, s
}

// isInteger holds for digits with at most one minus before them.
func isInteger(s string) bool {
	s = strings.TrimPrefix(s, "-")
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// fold is the form in which names are compared: Jira ignores case in the names of fields, functions, values and labels.
func fold(s string) string { return strings.ToLower(s) }
