package exchange

import (
	"slices"
	"strings"

	"parley/jsm"
	"parley/node/ledger"
	"parley/node/rules"
)

// Explained is one code of held work, for people: "parley held explain" prints
// it, "parley held show" quotes it, and a test insists that every code that the
// program can produce is here.
type Explained struct {
	Code  string       `json:"code"`
	Class ledger.Class `json:"class"` // as a rule
	Name  string       `json:"name"`
	Means string       `json:"means"` // one sentence
	Cause string       `json:"cause"` // what usually lies behind it
	Next  string       `json:"next"`  // what to do
}

// Explain finds a code in the catalogue.
func Explain(code string) (Explained, bool) {
	i := slices.IndexFunc(catalogue, func(e Explained) bool { return e.Code == code })
	if i < 0 {
		return Explained{}, false
	}
	return catalogue[i], true
}

// Catalogue lists every code of held work, grouped by who can end the wait.
func Catalogue() []Explained { return slices.Clone(catalogue) }

var catalogue = slices.Concat(definites, transients, tenants, peers, policies, fileCodes, serviceCodes, troubles())

// troubles are the tenant's, in the Jira client's own words.
func troubles() (all []Explained) {
	for _, a := range jsm.Troubles() {
		e := Explained{Code: TroubleCode(a.Trouble), Class: ledger.Tenant, Name: strings.TrimSuffix(a.Sentence, "."), Means: a.Sentence, Cause: a.Cause, Next: a.Next}
		switch {
		case a.Alone:
			e.Class = ledger.Transient
		case a.Trouble == jsm.TroubleScope, a.Trouble == jsm.TroubleBlocked, a.Trouble == jsm.TroubleShape:
			e.Class = ledger.Definite // they concern one kind of call, while the account is let in
		}
		all = append(all, e)
	}
	return all
}

var definites = []Explained{
	{rules.Unmapped, ledger.Definite, "A value has no mapping",
		"The partner's value is not in the rule's map, and the rule does not say what else to write.",
		"The partner added a choice, or spells it otherwise (case and spaces count).",
		"Add the value to the map, or give the rule an else; then publish the rules. Held items are tried again by themselves."},
	{rules.Refused, ledger.Definite, "A value was refused",
		"Jira, or the field's type, does not take this value; the rest of the ticket was written.",
		"The field is not on the edit screen, is required, has no such option, or a validator of the workflow objects.",
		"Read Jira's answer below; correct the field's screen, the rule or the ticket; then run: parley held retry ID."},
	{rules.Expression, ledger.Definite, "An expression could not be decided",
		"A when, value or public_when of the rules gives no result on this ticket, so nothing is assumed.",
		"The expression reads a field that this ticket does not have, or compares values of two types.",
		"Guard it with has(), or correct it at the line that is named; check with: parley rules check; then publish."},
	{rules.Nobody, ledger.Definite, "A person is not known here",
		"The rule needs a person whom this Jira does not know, and nobody is turned into somebody else.",
		"The address is of a partner's employee, is hidden by the privacy settings, or has a typing error in the rules.",
		"Add the person to Jira, map the address in [people], or choose another else; then run: parley held retry ID."},
	{rules.Form, ledger.Definite, "The twin's form cannot be filled",
		"The request type demands something that neither the partner's view nor the rules give, so no twin is made.",
		"A field of the portal form became required, or the request type was renamed or removed.",
		"Give the field in [incoming.create] or in a rule of its own, or make it optional in the form; then publish or run: parley held retry ID."},
	{codeCreate, ledger.Definite, "Jira refused to make the twin",
		"The portal request was refused as a whole; nothing was made.",
		"A required field, an option that is gone, a customer who may not raise requests here.",
		"Read Jira's answer below; correct [incoming.create] or the request type's form; then run: parley held retry ID."},
	{rules.Concurrent, ledger.Definite, "Both sides changed it at once",
		"The rule says wins = \"hold\": neither value is taken until a person agrees with the partner.",
		"Two people edited the same field before either saw the other's change.",
		"Agree on a value and set it on either side; that ends the wait."},
	{CodeStanding, ledger.Definite, "A standing conflict",
		"Both sides' rules decide this item differently, so neither would ever take the other's value.",
		"Both say wins = \"ours\" (or both \"theirs\", or one says \"latest\").",
		"Agree with the partner whose value counts, and publish rules that say so on one side: parley conflicts shows both values."},
	{codeWrites, ledger.Definite, "An item is written too often",
		"This item was written so many times within an hour that it looks like two automations answering each other.",
		"An automation here and one at the partner's each undo or continue what the other did.",
		"Look at the trace of writes, stop one of the automations, then run: parley held retry ID."},
	{CodeOverwritten, ledger.Definite, "A person's edit must be put back by hand",
		"Somebody changed the field in the very moment in which parley wrote it; theirs stands, and parley cannot restore it exactly.",
		"Jira cannot compare before it writes; the history tells a value that cannot be written back.",
		"Open the ticket's history and put the text back by hand; then run: parley held drop ID --why TEXT."},
	{codeTwin, ledger.Definite, "A ticket or comment may exist twice",
		"A write that was given up for lost took effect later, after it had been made again.",
		"Jira answered very late, or its search did not show the first one for a long time.",
		"Look at both keys that are named, close or delete the one that is not wanted, then run: parley held drop ID --why TEXT."},
	{rules.NoTwin, ledger.Definite, "It points to a ticket that is not here yet",
		"A link or parent of the partner's leads to a ticket that both share, and that has no twin here yet.",
		"The other ticket's twin is still to be made, or is held itself.",
		"Nothing: it is judged again by itself when the twin is made. See whether that one is held: parley held list."},
	{rules.Elsewhere, ledger.Definite, "The ticket is in another project",
		"The ticket was moved to a project that the rules do not name, so nothing of it crosses.",
		"An agent or an automation moved it, or the policy keeps this partner from the project.",
		"Move it back, or name the project in the rules (and in the policy under [peers])."},
	{codeGone, ledger.Definite, "The ticket is not there any more",
		"Jira does not show the ticket to parley's account.",
		"It was deleted or archived, or the account lost the Browse permission or an issue security level.",
		"Restore the permission and run: parley held retry ID. If it was deleted on purpose: parley held drop ID --why TEXT."},
	{rules.Unreadable, ledger.Definite, "A text or field cannot be read",
		"What a field or comment holds is not what its type says, so it is neither sent nor overwritten.",
		"An app stored something that Jira's own editor would not, or one side runs an older parley.",
		"Edit and save it in Jira, so that it is stored anew; update parley on both sides."},
	{codeNoPath, ledger.Definite, "No way leads to the status",
		"No transition that parley's account may take leads from the present status to the wanted one.",
		"The workflow was changed, a condition forbids the way, or the map names a status of another workflow.",
		"Open the way in the workflow, name it in via, or map to another status; then run: parley held retry ID."},
	{codeResolution, ledger.Definite, "The resolution could not be set",
		"The ticket was moved, but its resolution could not be set.",
		"The resolution is neither on the transition's screen nor on the edit screen.",
		"Put the resolution on one of these screens, or leave it out of the rule; then run: parley held retry ID."},
	{codeOrganization, ledger.Definite, "An organization is not on this desk",
		"The rule names an organization that the service project does not have.",
		"It has another name here, or was removed; sharing with an organization widens who sees a ticket, so none is made unasked.",
		"Add it to the service project, or set create = true in the rule; then run: parley held retry ID."},
	{Oversize, ledger.Definite, "Too large to cross",
		"What is to be shared of the ticket is larger than one replica may be; nothing of this change was sent.",
		"Very long texts or thousands of comments, often with since = \"all\".",
		"Share less of the ticket: since = \"link\", or a when for its comments; then publish or run: parley held retry ID."},
	{Unsendful, ledger.Definite, "It has no form that can cross",
		"What is to be shared breaks a bound of the format; nothing of this change was sent.",
		"A name with control characters, or more items than a ticket may have.",
		"Correct the value in Jira, or do not share the item; then run: parley held retry ID."},
	{JiraRefused, ledger.Definite, "Jira refuses this ticket",
		"Jira refuses a call that any work on this ticket needs; other tickets go on.",
		"A permission or security level of this one ticket, or a field that was removed meanwhile.",
		"Read Jira's answer below, mend what it names, then run: parley held retry ID. It is also tried again by itself, ever more seldom."},
	{JiraUnreadable, ledger.Definite, "Jira's answer is not understood",
		"What Jira shows of this ticket, or what the rules look for in it, cannot be understood.",
		"A field was removed, renamed, or exists twice under one name; or Jira answers otherwise than it describes.",
		"Check the rules against the tenant with: parley rules check --tenant; then publish, or run: parley held retry ID."},
	{NoRules, ledger.Definite, "The connection's rules do not work",
		"The published rules cannot be compiled against the tenant as it is, so nothing is judged.",
		"A field, project or request type that they name was removed or renamed.",
		"Run: parley rules check --tenant; correct and publish them."},
	{codeForgotten, ledger.Definite, "A ticket was forgotten",
		"The partner speaks of a ticket of ours that this node knew before it was put back to an earlier state.",
		"The ticket was shared by hand after the backup was made, and nothing in Jira shows which it was.",
		"Find the ticket that the partner's one belongs to, and share it again: parley sync CONNECTION KEY."},
	{codeUnlinked, ledger.Definite, "The ticket was unlinked there",
		"The partner has ended the link of this ticket, so what changes here is stored there and used for nothing.",
		"Somebody there ended it, or their rules do when the ticket leaves their trigger.",
		"Ask their admin. To end it here as well: parley link unlink KEY."},
	{Broken, ledger.Definite, "parley failed at this ticket",
		"The work on this ticket ended with an error of parley's own; other tickets go on.",
		"A fault in parley, or a record of its ledger that is damaged.",
		"Run: parley held retry ID. If it stays, report it with the reason and the version; the ledger keeps everything."},
}

var transients = []Explained{
	{JiraBusy, ledger.Transient, "The ticket was being changed",
		"Jira could not write because the ticket is being changed or is locked.",
		"Somebody else, or an automation, wrote to it at the same moment.",
		"Nothing: it is tried again by itself, with the ticket as it is then."},
}

var tenants = []Explained{
	{codeVisibility, ledger.Tenant, "A comment or file did not get the visibility it needs",
		"A comment or file could not be made public or internal as the rules ask.",
		"The project's settings, or the account's role, decide otherwise.",
		"Check who may comment publicly in this project, and the account's role; then run: parley held retry ID."},
}

var peers = []Explained{
	{ledger.PeerHolds, ledger.Peer, "The partner holds it",
		"What was sent is stored at the partner's and waits there.",
		"Their rules, their policy or their Jira; the code that is named is theirs.",
		"Look up their code with: parley held explain CODE. Their admin finds it under: parley held list."},
	{ledger.PeerRefused, ledger.Peer, "The partner refused it",
		"What was sent is stored at the partner's and will not be applied as it is.",
		"It could not be read there, or does not fit what they hold.",
		"Compare both sides' parley versions, and ask their admin. The ticket's next change is sent anyway."},
	{ledger.Malformed, ledger.Peer, "The partner sent what cannot be read",
		"A replica came that is not in the agreed format; it is kept, stops nothing else, and the partner is told.",
		"The partner runs another version, or its node is faulty or hostile.",
		"Tell their admin; compare versions. Once it is settled: parley held drop ID --why TEXT."},
	{codeBase, ledger.Peer, "The partner's change does not fit what we hold",
		"A change came that was made against another view of the ticket, so the whole view was asked for.",
		"One side was restored from a backup, or a replica was lost.",
		"Nothing: the partner sends the whole view by itself."},
	{ledger.Drifted, ledger.Peer, "The two sides had drifted apart",
		"A comparison found that the two sides hold different views of the ticket, so the whole view was asked for.",
		"A backup was restored, or a disk or a program failed.",
		"Nothing: the partner sends the whole view by itself. parley reconcile CONNECTION compares again."},
	{codeView, ledger.Peer, "The partner's view is not what it says",
		"A whole view came whose content does not match its own hash; it was refused.",
		"The partner's node is faulty or hostile.",
		"Tell their admin: their next change of the ticket is judged anew."},
	{PeerDown, ledger.Peer, "The partner is not connected",
		"Replicas wait here because the partner's node cannot be reached; they cross in order once it is back.",
		"Their node or network is down, or a firewall drops UDP.",
		"Nothing, while it is short. Longer: parley doctor tells apart name, firewall, key and clock; ask their admin."},
	{Rewind, ledger.Peer, "The two ledgers disagree",
		"One of the two nodes knows less than it once said, so nothing crosses on this connection.",
		"A node was restored from a backup, or its home was copied.",
		"On the side that was put back: parley heal CONNECTION --from-peer (or --resync). The other side waits until that is done."},
}

var policies = []Explained{
	{rules.Dropped, ledger.Policy, "The policy keeps it home",
		"The security team's policy takes this item out; nothing waits.",
		"policy.toml names it under [never], or does not name it under [arrive].",
		"Remove it from the rules, or ask the security team."},
	{codeApprove, ledger.Policy, "A first share waits for a person",
		"The rules say approve_first: nothing of this ticket leaves before a person has looked at it.",
		"It is the ticket's first share with this partner.",
		"Look at what would leave; then run: parley held release ID, or to refuse: parley held drop ID --why TEXT."},
	{codeCameBack, ledger.Policy, "The ticket came from here",
		"The partner offers a ticket that this desk shared by another connection, so no twin is made.",
		"A partner relays tickets in a circle.",
		"Nothing is to be done here; ask the partner why its relay sends it back."},
	{Paused, ledger.Policy, "The connection is paused",
		"No new link starts and nothing is written to the tenant; what arrives is stored.",
		"An admin paused it, or a limit of its rules was reached.",
		"Run: parley resume CONNECTION, once the reason is gone."},
}

// Codes of what the exchange itself holds.
const (
	codeCreate       = "create-refused"
	codeNoPath       = "no-path"
	codeResolution   = "resolution"
	codeOrganization = "organization"
	codeVisibility   = rules.Visibility
	codeCameBack     = "came-back"
	codeApprove      = "approve-first"
	codeGone         = "gone"
	codeBase         = "base"
	codeView         = "view"
	CodeStanding     = "standing"
	codeWrites       = "writes"
	codeTwin         = "twin"
	codeUnlinked     = "unlinked"
)
