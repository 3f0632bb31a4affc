package exchange

import (
	"parley/node/ledger"
	"parley/node/rules"
)

// serviceCodes are the codes of what a service desk cannot do with a partner's word.
var serviceCodes = []Explained{
	{rules.Unasked, ledger.Definite, "No approval waits for parley's account",
		"The partner has decided, and no approval of the ticket here can take parley's answer to it.",
		"The workflow has not reached its approval step yet, or names other approvers: nobody answers in another's place.",
		"It is answered by itself once the ticket asks parley's account. Else name the account among the approvers, or let the rule write a note."},
	{rules.OutsideQueue, ledger.Definite, "The ticket is not in its queue",
		"The fields of the rule were written, and yet the queue does not show the ticket.",
		"The queue was renamed, its JQL asks for more than the rule sets, or an automation has changed a field back.",
		"Compare the queue's JQL with set in [incoming.queue], correct one of them, then run: parley held retry ID."},
}
