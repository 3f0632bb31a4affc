// Package node is one company's running node: it opens a home, wires the rooms
// together, runs them and stops them.
//
// A home holds parley.toml, the node's certificate and keys, policy.toml, the
// drafts of the rules in connections/, and the ledger. A Node is a home that is
// open in this process; it runs once Run is called. Everything that the command
// line asks of a node is one Op: one Go method, called directly where no node
// runs (the command opens the home itself), and over HOME/parley.sock where one
// does.
//
// # What it keeps true
//
//   - One process has a home's ledger open. Its lock, not the socket file, says
//     whether a node runs; a socket file without a node behind it is replaced.
//   - A node runs without its tenant: it receives, stores and pairs, and reads
//     what it needs of the tenant as soon as it answers.
//   - A connection works by its published rules, compiled against the tenant's
//     own schema; where they do not compile the connection stands still and says
//     why, and the others work.
//   - Whatever Run starts has ended when it returns.
//
// It never decides what crosses, and never shows a token.
//
// Start at node.go; an operation's way is op.go.
package node
