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
// What it never does: speak Data Center's dialect; store attachments; send mail; run automation.
//
// # Behaviour worth knowing
//
//   - A platform comment is public unless the property sd.public.comment says {"internal":true}.
//   - Dates are in the calling account's time zone. Accounts of one e-mail have one accountId on every site.
//   - Searches see writes after Config.IndexLag; reconcileIssues and reads by id see them at once. With Flap every
//     second search is answered by a copy of the index that lags twice as much. A page of more than 10 issues is never full.
//   - An edit fails as a whole, with one message per field; the edit screen lacks some fields (NoEdit in the seed).
//   - Limits per endpoint and per issue are on unless Config.NoLimits; points are always counted.
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
//	POST   /sim/limits      {"on":true,"quota":65000}; quota 0: points are counted only
//	GET    /sim/accounts    everybody with their tokens
//	GET    /sim/journal     every API write, calls per account and endpoint, points per account
//	DELETE /sim/journal     forgets them
//	POST   /sim/move/{key}/{project}   moves an issue; its old key goes on leading to it
//
// Those about webhooks are described in webhook_rest.go.
//
// Start at serve.go.
package sim
