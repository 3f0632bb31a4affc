// Package conf reads what an operator writes: parley.toml (the node), connections/*.toml with the
// profiles and maps they include (what crosses), and policy.toml (what no rule may exceed).
//
// It keeps true: every value it hands out remembers its file, line and column; a key that it does not
// know, a wrong type or a wrong case is a [Problem] and never passes in silence; all problems of a
// document are told at once, in order. Documents are bounded in size, depth and number of includes.
//
// It never dials, never writes a file that an operator edits (only [WriteNode] and [WritePolicy] make
// new ones), and never prints or keeps a token: [Node.Token] fetches it on demand.
//
// Start at node.go for the node, at rules.go for a connection's rules.
package conf
