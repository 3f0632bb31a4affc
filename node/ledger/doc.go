// Package ledger is a node's memory: links and their bases, the log of every
// replica that crossed (exact bytes), intents, held work, dirty marks, published
// rules and paired peers, all in one Pebble database, so that each step of a
// change commits in one synced batch.
//
// # What it keeps true
//
//   - One log per connection and direction, sequence numbers from 1 without gaps.
//     A record is never changed; each extends a hash chain over the commitments
//     of all before it.
//   - A sequence number is handed out, and the replica it belongs to is readable,
//     only after it is on disk, and with it what the new bases follow from: a link's
//     state towards the peer is what is stored of it and its posts since (outbox.go).
//   - Every record has one owner (see the table), so owners never overwrite each
//     other and no lock is held across a read and its write. Only the state of a
//     link that posts no more is stored by the log, while nobody else writes.
//   - A log that was put back to an earlier state knows it (epoch.go), and goes on
//     under a new epoch that names the head which the peer holds (mend.go). Numbers
//     are never used twice.
//   - Bodies are kept for a time, their proofs for good (retention.go).
//   - Files that come in wait beside the database, in a spool of bounded size: a
//     record never says more than is synced, and a file is read out only with the
//     hash that was announced (blobspool.go).
//   - After a failed sync nothing more is accepted: an fsync is never retried.
//
// It never dials, never calls Jira and never interprets a value.
//
// # Tables
//
// A key is one table byte, then length-prefixed strings, 16-byte link ids and
// big-endian numbers.
//
//	byte  key                      value                                owner
//	L     connection link          Link: whose ticket, which ticket     the ticket's lane
//	T     ticket connection link   index of L by local ticket           〃
//	O     connection link          Outgoing: posted view, local bases, but for the last few posts   〃
//	D     connection link          Done: what was reconciled            〃
//	I     connection link          Incoming: the peer's view            the ticket's lane
//	P     connection link          Word: what the peer last said of it  receipts
//	o i   connection sequence      segment: replicas that left, came    committer, receive
//	H h   connection               head of that log                     committer, receive
//	S     connection               Told: how far the peer is with ours  receipts
//	R     connection number        the peer's signed receipt up to that outcome, as it came  receipts
//	Y     connection number        Settled: an outcome for the peer     committer
//	N     connection link nonce    Intent: a write to Jira under way    the ticket's lane
//	F     connection link          Awaits: texts whose pictures have yet to come         〃
//	U     connection link nonce    Doubt: a write that was given up and may yet come     〃
//	G     connection link          Friction: open disputes, and writes of busy items     〃
//	X     connection link item     Held                                 〃; the partner's word: receipts
//	J     connection link time …   LeftOut: what a person left out      the admin
//	W C   connection link item …   twins, both ways round       〃
//	Z     connection link item seq Overruled: a value that lost         〃
//	M     ticket generation        dirty mark                           whoever has a hint
//	w     connection ticket        a ticket whose trigger could not be followed   exchange's poll
//	u     ticket                   the state in which it was last read whole      the ticket's lane
//	Q     connection               the oldest i that may wait           〃
//	V     connection version       Published rules                      the admin
//	B     connection link item     Grant: a blob that the peer may ask for      the ticket's lane
//	b     connection hash link …   index of B by the blob's hash        〃
//	A     file size created        the file's SHA-256                   whoever has read it
//	a     connection hash size     Arriving: how far a blob has come    the spool
//	E     peer                     a pairing, opaque here               transport's pairing
//	K     name                     small facts: poll cursor, epoch      their writers
//
// Start at ledger.go.
package ledger
