// Package sim is a Jira Service Management Cloud tenant in memory: an http.Handler that answers as the real
// site does where a client looks, and refuses what the site refuses. It is written from Atlassian's published
// API descriptions and documentation, shares no Go type with this project's client, and so cannot share a
// mistake with it. It also has a small web face for people, and it delivers webhooks.
//
// What it keeps true. Every write is judged as a whole before anything changes. Every history entry, index
// entry and event follows from the write that made it. Ids, tokens and answers are the same in every run of
// the same calls. It reads no clock but Config.Now, opens no socket but the webhooks', and starts no
// goroutine: Run delivers webhooks and is waited for by its caller.
//
// What it never does: speak Data Center's dialect; keep a file in memory (attachments lie in a temporary file
// that is unlinked as soon as it is made); send mail; run automation, but for rules that send a web request.
//
// # Behaviour worth knowing
//
//   - A platform comment is public unless the property sd.public.comment says {"internal":true}.
//   - Dates are in the calling account's time zone. Accounts of one e-mail have one accountId on every site.
//   - Searches see writes after Config.IndexLag; reconcileIssues and reads by id see them at once. With Flap every
//     second search is answered by a copy of the index that lags twice as much. A page of more than 10 issues is never full.
//   - An edit fails as a whole, with one message per field; the edit screen lacks some fields (NoEdit in the seed).
//   - Limits per endpoint and per issue are on unless Config.NoLimits; points are always counted.
//   - Attachments: an upload needs X-Atlassian-Token: no-check. The portal shows an attachment only where the description or
//     a public comment names it; temporary files are good for an hour and for one use, and attaching them makes a comment.
//   - The content of an attachment lies on another host (media.go): the site answers 303 to a signed address that is good
//     for 10 minutes and refuses every call with credentials. A site at 127.0.0.1:PORT has its media host at localhost:PORT.
//   - A body that is written without a file that it named deletes the attachment, where no other body names it.
//   - A closed security level hides the issue: 404, and no search finds it. A sub-task has a parent, and goes with it.
//   - Approvals: one refusal declines; the seed says how many approvals pass the step (one). Half an answer changes nothing
//     of the issue, not even its updated. Watching, rating and web links are in no history either.
//   - SLAs run in the seed's calendar (Monday to Friday, 9 to 17, UTC). A completed cycle keeps the goal it had.
//   - Assets fields show ids only; the Assets API (assets.go), at /gateway/api/jsm/assets and /jsm/assets, tells the labels.
//   - An issue made by POST /issue has no request type, and is no request, until the request type field is set.
//
// # The simulator's own endpoints
//
// They need no account, and are not in the journal. Bodies are JSON.
//
//	POST   /sim/faults      a Fault: {"kind","method","path","account","skip","times","writes","status","body","header","reason","retryAfter","afterMs"}
//	GET    /sim/faults      the faults that wait, the kinds there are, and how many calls are still to be applied late
//	DELETE /sim/faults      ends all faults
//	GET    /sim/clock       the tenant's time
//	POST   /sim/clock       {"advanceMs":60000} moves it
//	POST   /sim/index       {"lagMs":5000,"flap":true}
//	POST   /sim/limits      which limits are enforced, see below
//	GET    /sim/accounts    everybody with their tokens
//	POST   /sim/accounts    {"email","active","hidden"}: deactivates an account or hides its address, or ends that
//	GET    /sim/journal     every API write, calls per account and endpoint, points per account
//	DELETE /sim/journal     forgets them
//	POST   /sim/move/{key}/{project}   moves an issue; its old key goes on leading to it
//	GET    /sim/oauth       the OAuth clients with their secrets, and the cloud id
//	POST   /sim/oauth       registers one: {"name","clientId","clientSecret","redirects","scopes","account"}
//	POST   /sim/oauth/token   {"email","scopes","seconds"}: a scoped API token, which only the gateway takes
//	POST   /sim/oauth/expire  ends every access token; POST /sim/oauth/revoke ends every login
//
// The authorization server (/authorize, /oauth/token) and the API gateway (/ex/jira/CLOUDID) are described in oauth.go.
//
// Those about webhooks are described in webhook_rest.go.
//
// # Limits
//
// POST /sim/limits switches each on apart, with full buckets, and strictly; a refused call has changed nothing.
//
//	{"burst":true}               for each endpoint and method 100 calls a second (PUT and DELETE 50; some have their own)
//	{"perIssue":true}            20 writes in 2 s and 100 in 30 s for each issue, whoever makes them
//	{"on":true}                  both, as at the start
//	{"quota":65000,"spent":100}  points an hour from the top of the hour; every answer tells how many are left,
//	                             unless "silent"; "global" says that it is the app's quota for all its tenants
//	{"user":true}                Data Center's bucket: 70 calls an account, 5 more each second, told in every answer
//	{"blocked":"a@b.example"}    an account that may not call at all: Retry-After is 2^63-1
//	{"after":"date"}             Retry-After as an HTTP date; "none": no header but the reason
//
// # Faults
//
// A fault strikes calls before or after they are applied:
//
//	before   status, html (502), drop, rate, portal, maintenance, empty, stranger, unlicensed
//	after    lost (no answer), applied (another status), cut (half of the answer), late (no answer, applied later)
//
// They strike the API, and the media host where their path says so: {"kind":"cut","path":"/file/**"}. There cut, lost
// and applied break off halfway through the content; drop and late end the connection at once.
//
// Start at serve.go.
package sim
