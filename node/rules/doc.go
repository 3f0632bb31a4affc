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
// refused with what to do instead; a rule that can never work is refused when it is compiled. A number is the id of an
// option only where our own rules say it, never where the peer does. An option that is missing
// here waits, comes to else, or with create = true is made by the edit that chooses it. Another ticket (parent) crosses
// as the link that both sides know it by, and only where this connection shares it; estimates agree to the minute.
//
// What only a service desk knows (approvals, clocks, the portal, ratings, articles) is reported and never forged: it
// lands in fields, in an internal note that is kept up to date, or as a web link. An approval is answered only where our
// account is asked, with a note on whose word; a queue is a query, so its fields are written and it is looked into.
//
// A rich text (outtext.go, intext.go) names files and persons as both sides know them. A picture is shown in place once
// the rules share its attachment and the copy is there, and is a name until then; its coming is no edit. Somebody is
// addressed only where [people] maps or matches them to an account here that is active. An address of the sender's own
// tenant crosses only where it leads to a ticket that both sides share (addresses), and leads to the twin there, as does
// that ticket's key. What Atlassian's schema refuses is held and never sent to Jira; a node that this version does not
// know is left to Jira. A comment that Jira finds too long is written in numbered parts; a field that is too long is held.
//
// Work logs, links and participants are items of their own (outparts.go): known by the id that they have at their origin,
// which alone edits and deletes them. A work log that is limited to some of its readers stays; a link crosses where both of
// its tickets do; an address of the own tenant only by own_site; a participant only where persons have a pseudonym.
//
// A file crosses as its name, size and hash; its bytes are fetched apart. `attachments` are those that the customer surely
// sees: a public comment shows them, or a customer attached them. What was shared once stays as it was shared, and with
// since = "link" the files that came with the request itself cross with its description. A name that the policy denies
// is denied also as it would be called here. One that turns public at its origin is shown here, too, where the rules and
// the policy say so (inattachshow.go); what a customer has seen is never taken back. byline says whose a public file is.
//
// Start at compile.go.
package rules
