// Package notify tells people what ails a node: by webhook, by mail, and by a
// ticket in the node's own desk.
//
// It is told again and again what ails now, as Notices, and compares that with
// what each channel was told last. So nothing depends on having seen a moment:
// a trouble that began while the node was down is found by the first look, and
// what was told is not told again after a restart. A trouble is known by its
// key; what is new of it are lines younger than those told, or a higher
// severity; when it is no longer seen for a while (calm), its end is told too.
//
//	look → book: what stands, since when ─┐
//	                                      ├→ page of a channel: what it owes → message → send
//	floor · digest · quiet times ─────────┘
//
// # What it keeps true
//
//   - A message is on disk, with its id, before the first try to send it, and is
//     tried until it is delivered; each try bears the same id, so that who
//     receives it twice can tell. After an hour of failing, a message is made
//     afresh of what is true then; one that makes a ticket keeps its id.
//   - What waits is bounded by the number of troubles (maxTroubles), whatever
//     happens and however often: a trouble is told once, not each time.
//   - One channel's fault delays no other, and stops nothing else in the node.
//   - What is urgent waits for no digest; quiet times let it pass where asked.
//   - Text is cleaned of control characters and clipped before it is kept, so it
//     can neither forge a mail header nor ping a chat room.
//
// It never sees a ticket's content, a person or a token: it tells what its
// caller words, and the caller words keys and reasons. It follows no redirect
// and shows no channel's address in an error, for some addresses are secrets.
//
// Start at notify.go; what is owed is decided in book.go and page.go.
package notify
