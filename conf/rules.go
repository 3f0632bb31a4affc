package conf

// Rules is one connection's rules as written, each value with its place. Profiles are merged and map
// files are read. What the words mean is the business of node/rules; here they are only known to be
// words of the language, of the right type, in a place where they stand for something.
type Rules struct {
	File         string // connections/NAME.toml, relative to the home
	Peer         Text
	Connection   Text // the name on the wire; where not written, the file's name without a Pos
	Projects     []Text
	Relay        Flag
	Since        Text // "link" or "all"
	ApproveFirst Flag
	Const        []Const
	Trigger      Trigger
	People       People
	Outgoing     Direction
	Incoming     Direction
	Create       Create
	Limits       Limits

	sources map[string][]byte
}

// Const is one entry of [const].
type Const struct {
	Name  string
	Pos   Pos // of the name
	Value Literal
}

// Trigger says which tickets start by themselves. A zero JQL: none do.
type Trigger struct {
	JQL   Text
	Leave Text // keep, pause, unlink
}

// People says how persons cross, both ways.
type People struct {
	Share    Text // company, alias, name, email
	Map      Map  // theirs to ours
	Match    Text // "email" or not set
	Else     Text // note, drop, user
	ElseUser Text // with Else user: our e-mail address
}

// Direction is [outgoing] or [incoming].
type Direction struct {
	Pos      Pos
	Named    []Text   // share or accept: what crosses as it is
	Entities []Entity // tables, in written order; names are unique
}

// Entity is the table of one entity in one direction. Words that the entity does not have are zero.
type Entity struct {
	Name Text // Pos is where the table begins

	From, When, Value                Text
	Set, Else                        Literal
	Otherwise                        Text // hold, same, skip
	Map                              Map
	Once                             Flag
	Wins, Empty, Mode                Text
	Strip, As, PublicWhen            Text
	Byline, Retract, Reopen, Creates Flag
	OwnSite                          Flag // of links: also addresses of our own tenant
	Edits, Deletes                   Text
	Addresses                        Text // twin, text, keep: see addresses.go
	Resolution                       Map
	Via                              []Text
	Service                          Service
	Max                              int64 // bytes of a file; 0: no limit
}

// Map is a mapping by exact names, in written order. Pos is not set where there is none.
type Map struct {
	Pos     Pos
	Entries []MapEntry
}

// MapEntry is one line of a map.
type MapEntry struct{ From, To Text }

// Find looks a name up.
func (m Map) Find(name string) (Text, bool) {
	for _, e := range m.Entries {
		if e.From.Value == name {
			return e.To, true
		}
	}
	return Text{}, false
}

// Create says how a twin is made.
type Create struct {
	Pos         Pos
	Project     Text
	RequestType Entity // Set for a literal; else From with Map and Else
	OnBehalfOf  Text   // e-mail address of a customer
}

// Limits bound what the connection does in a day. 0 is no limit.
type Limits struct {
	TicketsPerDay, FirstDay     Count
	WritesPerItemHour           Count // writes of one item of a ticket within an hour; not set: DefaultWritesPerItemHour
	BytesPerTicket, BytesPerDay int64 // of files, each way; see readBytes
}

// DefaultWritesPerItemHour is far beyond what people do to one field, and reached within minutes where two chains
// of automation answer each other.
const DefaultWritesPerItemHour = 20

// Sources gives every file that the rules were read from, by its path in the home: what a published
// version holds. [ParseRules] reads them again. The caller must not change the contents.
func (r *Rules) Sources() map[string][]byte { return r.sources }

// Items gives every entity that a direction names: those with tables as their tables say, the others
// with every word at its default. Order is as written, lists first.
func (d Direction) Items() []Entity {
	var out []Entity
	tables := map[string]Entity{}
	for _, e := range d.Entities {
		tables[e.Name.Value] = e
	}
	for _, n := range d.Named {
		if _, ok := tables[n.Value]; !ok {
			out = append(out, plainEntity(n))
		}
	}
	return append(out, d.Entities...)
}

// plainEntity is an entity that crosses as it is.
func plainEntity(name Text) Entity {
	word := func(s string) Text { return Text{Value: s} }
	return Entity{
		Name: name, Otherwise: word("hold"), Wins: word("latest"), Empty: word("keep"), Mode: word("add"),
		As: word(asWords(name.Value)[0]), Edits: word("follow"), Deletes: word(deletesWords(name.Value)[0]), Addresses: word(addressesChoices[0]),
		Byline: Flag{Value: true}, Reopen: Flag{Value: true},
	}
}
