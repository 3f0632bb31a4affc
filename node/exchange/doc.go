// Package exchange is a node's connections at work: it compares what is with
// what should be and closes the difference.
//
// A hint (poll, webhook, a person) only says that a ticket may have changed.
// visit takes the ticket's lane and reads the ticket fresh; reconcile brings it
// to what the peer's view and our incoming rules say; gather posts what has
// changed in our own view. send, receive and receipts carry the log over a
// session. A lane is held by one visit at a time, so nothing else writes the
// ticket's bases meanwhile.
//
// # What it keeps true
//
//   - Nothing leaves but what the outgoing rules and the policy's gate made (I1).
//   - A write that cannot be repeated has its intent and mark on disk before the
//     call; after an uncertain answer the mark is looked for first (I2).
//   - What parley wrote is absorbed, as Jira now shows it, into the bases of
//     both directions; what somebody else wrote meanwhile is not (I3).
//   - What fails holds its own item or link, with the reason (I4, I6).
//   - What is wrong on one connection's stream ends that connection's line alone:
//     it rests, with the reason, and begins anew; only a broken control stream or
//     an unsigned receipt ends the session with the peer (I5, I6; see rest.go).
//   - A ledger that was put back to an earlier state writes nothing until an admin
//     has chosen how it is healed, and then makes nothing twice (see heal.go).
//   - A file is given only on the connection that was shown it (I5), goes on
//     after a kill where it was, and reaches Jira only with the announced hash
//     (see blob.go).
//   - While the disk is nearly full nothing new begins, and nothing is lost
//     (see brake.go).
//
// It never decides what crosses (node/rules does), never keeps state outside
// the ledger, and never queues replicas: a link posts its next one when the
// peer has stored the last.
//
// Start at visit.go.
package exchange
