// Package console is how a person reaches a node: the local API, that the
// command line speaks over a unix socket in the node's home, and a small web
// page that shows how the node does.
//
// # What it keeps true
//
//   - The socket is made with mode 0600 in a home of mode 0700: who can open it
//     owns the node.
//   - Every request body is bounded, every answer is one JSON document.
//   - The page is read-only, holds no script, loads nothing, and shows no
//     ticket's text. On an address that others can reach it asks for a password.
//   - A request under a foreign host name is refused, so no web site can read
//     the page through a browser on this machine (DNS rebinding).
//
// It never decides anything: what an operation does is the node's business, and
// comes in as a [Call].
//
// Start at api.go for the local API, at page.go for the web page.
package console
