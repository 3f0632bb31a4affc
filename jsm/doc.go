// Package jsm is a typed client of Jira Service Management Cloud: tickets, fields,
// comments, transitions, requests, organizations and people as Go values.
//
// What it keeps true:
//   - One base address: the site's, or the gateway's where the token is for that ([Gateway]). Every
//     call is that address plus a path. Addresses in answers (self, next, Location) are never
//     followed, so the token can only reach the base. The one exception is the content of attachments, which is
//     fetched without the token, from hosts that are named beforehand only.
//   - Files pass through and are never held. Other answers are bounded, and whatever is no JSON of the expected shape is an error that says so.
//   - Only what is safe is repeated: a read, or a write that certainly had no effect.
//     After any other failed write [APIError.Applied] is Maybe and the caller looks before it repeats.
//   - A comment's visibility is what Jira's answer proves, never what was asked for. A note that
//     came back public is deleted at once ([LeakedNote]).
//   - What the customer sees of an attachment is proved likewise, and unproved counts as internal.
//   - Clocks are read as what was agreed and what happened, never as time that runs.
//   - Field types come from Jira's schema, never from a field's name. Ids are the tenant's own.
//
// What it never does: decide what to share, keep anything on disk, follow a link, impersonate a
// person, log a ticket's text, a person or a token.
//
// Facts about Jira are graded in the comments: [S] Atlassian's OpenAPI description, [D] Atlassian's
// documentation, [L] seen on a live site, [B] background knowledge, [U] not verified, so defended against.
//
// Start at client.go.
package jsm
