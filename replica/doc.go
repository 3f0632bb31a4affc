// Package replica is what two companies agree a ticket is: views, the replicas
// that lead from one view to the next, and the receipts that answer them, each
// with its form on the wire.
//
// What it keeps true: bytes that decode encode to the same bytes; views that show
// the same have the same hash; a replica folds only into the view that it was made
// against, and only to the view that it names. Kinds of values and keys of the
// envelope that this version does not know are kept byte for byte. What a peer
// sends is bounded before it is read.
//
// What it never does: it does not judge what may cross (rules do), call Jira,
// or read a clock.
//
// # Format, version 1
//
// Everything is one value of MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md)
// in canonical form, which Check demands: maps with string keys in strictly
// rising byte order; the shortest form of every number, length and count; a
// number of at least 0 in an unsigned form; text in UTF-8; no floats, no
// extensions; nothing after the value. At most 32 levels and 4,194,304 values.
// A part that is empty (zero, false, "", no elements, a hash of zeros) is left
// out, so that everything has one form. All bounds are in errors.go.
//
// A replica is a map of at most 16 MiB. Those with a star are always there:
//
//	key    value            meaning
//	after  binary 32        hash of the view after it
//	base   binary 32        hash of the view before it
//	gone   map path → time  no longer shown, none of them in set; withdrawn when, Unix ms by the sender's Jira, 0 unknown
//	key    text ≤ 1 KiB     the sender's ticket key
//	link*  binary 16        link id
//	rules  binary 32        hash of the version of the sender's rules
//	seen   number ≥ 1       receiver's last sequence for this link that the sender had reconciled
//	seq*   number ≥ 1       place in the sender's outbox of this connection
//	set    map path → item  what is new or has a new value, ≤ 100,000
//	url    text ≤ 2 KiB     address of the sender's ticket
//	v*     number           1
//	via    list of texts    node ids that the ticket came through, ≤ 32
//	whole  true             set is the entire view; base says nothing, gone what the sender remembers to have withdrawn
//	other  anything         at most 32 further keys of at most 64 bytes: kept
//
// A path is text of 1 to 512 bytes without control characters: a kind, then "/"
// and the element's name ("comment/10012"). An item is a map:
//
//	at  number ≥ 1     when the value last changed, Unix ms by the sender's Jira
//	k*  text ≤ 64 B    kind of the value
//	v*  by its kind    the value
//
// The kinds:
//
//	text     text ≤ 1 MiB
//	rich     text ≤ 4 MiB, an ADF document as canonical JSON, see package adf
//	option   map: child (an option; 4 deep at most), id, name: texts ≤ 1 KiB
//	status   map: category (new, indeterminate, done or undefined), id, name
//	number   text: decimal as ParseNumber makes it, ≤ 64 B
//	date     text: YYYY-MM-DD
//	time     number: Unix ms
//	person   map: alias, company, email, name, ref: texts ≤ 1 KiB
//	list     list of maps {k, v}, ≤ 10,000, no list among them
//	attachment map: author* (a person), created* (number), hash* (binary 32, SHA-256 of the bytes), mime (text ≤ 1 KiB), name* (text ≤ 1 KiB), public (true), size (number of bytes, ≤ 2^40)
//	comment  map: author* (a person), body* (rich), created* (number), edited (number), parent (text), public* (true or false)
//	effort   map: original, remaining: seconds from 0 to 2^40; one that is left out was not estimated
//	ticket   map: key (text ≤ 1 KiB, the sender's), link* (binary 16): another ticket that both share
//	worklog  map: author* (a person), created* (number), edited (number), seconds* (0 to 2^40), started* (number), text (rich)
//	relation map: inward, outward, type: texts ≤ 1 KiB, to* (a ticket): an issue link, on the ticket that stands before its outward words
//	web_link map: summary (text ≤ 32 KiB), title (text ≤ 1 KiB), url* (text ≤ 8 KiB)
//	approval map: approvers (list of maps {decision*, person*}, ≤ 1,000), completed, created (numbers), decision* (approved,
//	         declined or pending), name*
//	sla      map: breach, completed (numbers, Unix ms), breached, paused (true), goal (ms of working time, ≤ 2^40), name*
//	portal   map: status (text ≤ 1 KiB), url (text ≤ 2 KiB): what the customer sees
//	rating   map: stars* (1 to 5), text (≤ 1 MiB)
//	article  map: title* (text ≤ 1 KiB), url* (text ≤ 2 KiB)
//	other    anything: kept
//
// Numbers are not msgpack numbers because a decimal has no exact float; sizes
// and times are. An item's hash is SHA-256 of the canonical msgpack list
// [path, kind, value]; a view's is SHA-256 of "parley view 1" and its items'
// hashes in rising byte order, and 32 zeros for the empty view. Times are no
// part of them.
//
// A receipt is a map of at most 1 MiB: body (binary) and sig (binary 64), the
// Ed25519 signature of "parley receipt 1\n" and the body by the receiver's
// ledger key. The body is msgpack once more:
//
//	chain        binary 32      hash of the sender's log at stored
//	connection*  text ≤ 1 KiB   id of the connection
//	epoch*       binary 16      of the sender's log
//	outcomes     list of maps   ≤ 10,000
//	settled      number ≥ 1     how many outcomes of this connection were told so far, with these, the newest
//	stored*      number         every replica up to this one is on the receiver's disk
//
// and an outcome is a map:
//
//	code    text ≤ 1 KiB    reason in one word
//	kept    list of paths   items changed on both sides at once of which the receiver kept its own, by its rules, ≤ 1,000
//	link*   binary 16       zeros for a replica that could not be read
//	paths   list of paths   the items meant, ≤ 1,000; none means all
//	seq*    number ≥ 1      of the replica
//	state*  text            applied, held, refused, dropped or resend
//	taken   list of paths   as kept, of which it took the sender's, ≤ 1,000
//	twin    text ≤ 1 KiB    key of the receiver's ticket
//
// Withdrawals have their times since gone became a map; no parley was released
// with the plain list that it was before, so this is still version 1. The kinds
// effort, ticket, attachment and those of the service desk came later; a receiver from before keeps them unread.
//
// Version rule: what an old receiver may keep unread (a kind, a key of the
// envelope) is added without a new version. Whatever it must understand, and
// any change to the tables or the hashes, is version 2: a receiver answers
// ErrVersion and both sides stay on the highest version that their hellos share.
//
// testdata/vectors holds examples of all this with their hashes, and of the control
// messages that package exchange describes.
//
// Start at replica.go.
package replica
