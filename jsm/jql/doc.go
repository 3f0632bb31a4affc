// Package jql is Jira's query language: a parser for the whole search grammar, a printer, and an evaluator over any store.
//
// # Grammar
//
//	query     = [ or ] [ "ORDER BY" field [ "ASC" | "DESC" ] { "," … } ]
//	or        = and { ( "OR" | "|" | "||" ) and }
//	and       = not { ( "AND" | "&" | "&&" ) not }
//	not       = ( "NOT" | "!" ) not | "(" or ")" | terminal
//	terminal  = field ( "=" | "!=" | "~" | "!~" ) ( EMPTY | value | call )
//	          | field ( "<" | "<=" | ">" | ">=" ) ( value | call )
//	          | field [ "NOT" ] "IN" ( list | call )
//	          | field "IS" [ "NOT" ] EMPTY
//	          | field "WAS" [ "NOT" ] ( EMPTY | value | call ) { predicate }
//	          | field "WAS" [ "NOT" ] "IN" ( list | call ) { predicate }
//	          | field "CHANGED" { predicate | ( "FROM" | "TO" ) operand }
//	predicate = ( "AFTER" | "BEFORE" | "ON" | "DURING" | "BY" ) operand
//	operand   = EMPTY | value | call | list
//	list      = "(" operand { "," operand } ")"
//	call      = value "(" [ value { "," value } ] ")"
//	field     = ( word | quoted | "cf" "[" digits "]" ) { "[" value "]" { value } } | integer
//	value     = word | quoted | integer
//
// Keywords have no case; NULL is EMPTY. White space is space, tab and line ends only. A word holds letters, digits, any
// other printable character beyond ASCII, and - . : _ `; all else needs quotes or an escape, and so do the reserved words.
// Escapes (\t \n \r \" \' \\ "\ " \uXXXX) hold in quotes and out of them. There are no comments.
//
// # Meaning
//
// Compile checks a query against an Env (fields, operators, values, functions) and returns Jira's own error sentences. What it
// keeps true of a Matcher:
//
//   - An empty field matches IS EMPTY, = EMPTY and a list with EMPTY in it; never !=, NOT IN, !~ or a comparison.
//   - NOT is pushed down: NOT assignee = x is assignee != x.
//   - Of several values (labels, components, versions) one is enough for = and IN, and != asks that none is.
//   - A name stands for all that bear it; a bare number is an id first. Case never matters.
//   - Date literals are read in the session's zone, to the minute; without hours they are midnight. A bare number is epoch
//     milliseconds, exactly. -1w3d counts back from now; startOf…/endOf… follow the calendar.
//   - WAS looks at every stretch of a field's life, the first and the present included; CHANGED at single changes, of which
//     one must meet all predicates.
//   - ~ looks for words, phrases in quotes, and * or ? behind a first letter; AND, OR, NOT, +, - and parentheses combine them.
//   - ORDER BY puts empty fields last, and first under DESC.
//
// The Env answers what only a tenant knows: values, histories, and all functions but currentUser() and those of dates.
//
// # Limits
//
// A query has at most MaxQuery bytes, 200 levels of nesting and MaxSort sort fields. Text search has no stemming, and ignores
// fuzziness, proximity and boosts. Whether a date's own default order (no ASC or DESC) is newest first follows Jira's column
// defaults, which Atlassian does not document: state a direction. The package does no I/O and never panics on any input.
//
// Tests hold the parser against 2,300 verdicts of Atlassian's own (@atlaskit/jql-parser 3.0.1, @atlaskit/jql-ast 4.0.0), the
// messages against Jira's functional tests, and the operators of system fields against Atlassian's fields reference.
//
// Start at parse.go.
package jql
