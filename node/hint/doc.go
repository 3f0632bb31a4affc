// Package hint listens to Jira's webhooks and to automation's web requests, and
// makes of each one thing only: "these tickets may have changed".
//
// A body is believed to come from the tenant by its proof of origin; what it
// says of a ticket is never used, since it is the state at sending time, in an
// old format, perhaps late, doubled or out of order (Atlassian's page
// "Webhooks", cloud/jira/platform). Whoever is told reads the ticket itself.
//
// # What it keeps true
//
//   - 200 is answered only after the tickets' marks are on disk. Requests that
//     come together share one synced write.
//   - Memory is bounded: by the bytes of bodies read at a time, by the requests
//     that wait for the disk, by open connections. What does not fit is answered
//     503 with Retry-After, after which Jira sends it again.
//   - A proof is checked over the bytes as they came, in constant time, before
//     anything is parsed. No secret, path or body is logged.
//
// It never calls Jira, never reads a ticket, and never decides what is shared.
//
// # What counts as proof
//
//	X-Hub-Signature: sha256=HEX    HMAC of the raw body under one of the secrets (admin webhooks)
//	X-Parley-Secret: WORD          the word derived from one of the secrets (automation's "Send web request")
//	neither                        refused, unless Config.Unsigned: then the random path alone (Data Center before 10)
//
// # What is read of a body
//
//	issue.id, issue.key, issue.self          the ticket
//	issues[].id, issues[].key                many of them (automation)
//	id and key, issueId, issueKey            automation's own formats
//	comment.self                             the ticket of a Data Center comment event, which names no issue
//	worklog.issueId, issueLink's two ends    the tickets of events without an issue
//	issue.fields.updated, comment.updated    to recognise the echo of our own write; signed bodies only
//
// An event about an attachment or a link names no ticket in some versions of
// Jira: it is a stray hint, after which the tenant is asked what changed.
//
// Start at listener.go.
package hint
