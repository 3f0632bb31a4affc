package conf

// addressesWord is the word of entities that hold rich text, in both directions: what becomes of the addresses and
// ticket keys in the text that belong to the sender's tenant. twin, the default: what both sides share leads to the
// twin, and any other address of the tenant is text. text: all of them are text. keep: they stay as they are.
const addressesWord = "addresses"

var addressesChoices = []string{"twin", "text", "keep"}

// withAddresses adds the word where the entity may hold rich text; of a custom field only the tenant knows.
func withAddresses(entity string, words []string) []string {
	_, custom := CustomField(entity)
	switch {
	case custom, entity == "description", entity == "environment", entity == "comments", entity == "comments.internal", entity == "worklogs":
		return append(words[:len(words):len(words)], addressesWord)
	}
	return words
}
