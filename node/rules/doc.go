// Package rules is judgement: it turns one connection's rules, as package conf reads them, into what a
// ticket shows a peer (its view) and into what a peer's view asks to be written here (a plan).
//
// It keeps true:
//   - nothing is in a view that the outgoing rules do not name and the policy does not allow; a comment
//     whose visibility is unknown or restricted counts as internal;
//   - data that is missing is an error in an expression, never an empty value, and an error means "not
//     sent" or "not written", with a [Held] that says why;
//   - the same inputs give the same result; an expression's cost, memory and input are bounded, and what
//     it reads is known from its checked form;
//   - somebody who is not known here is never turned into somebody else.
//
// It never calls Jira, never reads a clock, a file or the network, and never writes.
//
// A value is compared in local terms: what the peer's item comes to after map and coercion, with what
// the ticket holds. Sets whose elements are items of their own (labels, components, organizations) take
// additions and removals one by one; a set that crosses as one list (a multi-select) is brought to that
// list, unless mode = "add" is written. [incoming.comments] also covers the peer's internal comments
// where there is no [incoming."comments.internal"].
//
// What a value of one type comes to in a field of another says one table, in coercion.go: lossless, by map, as text, or
// refused with what to do instead; a rule that can never work is refused when it is compiled. An option that is missing
// here waits, comes to else, or with create = true is made by the edit that chooses it. Another ticket (parent) crosses
// as the link that both sides know it by, and only where this connection shares it; estimates agree to the minute.
//
// Start at compile.go.
package rules
