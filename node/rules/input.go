package rules

import (
	"fmt"
	"time"

	"parley/jsm"
	"parley/replica"
)

// Local is what an outgoing view is made from.
type Local struct {
	Ticket  *jsm.Ticket
	Twins   map[string]bool // ids of the ticket's comments, and of its files behind FilePrefix, that parley wrote and that do not leave by this connection
	Since   time.Time       // comments created before are not shared; zero: all are
	Posted  replica.View    // what the peer holds of the ticket; nil: nothing
	Company string          // how our company is called to the peer
	Secret  []byte          // key of the connection's pseudonyms; persons have no Ref without it
	// Sum gives the SHA-256 of one of the ticket's files, where it is known; wait says why it cannot be, nil while it is
	// being read. nil: it is known of none.
	Sum func(jsm.Attachment) (sum replica.Hash, known bool, wait *Held)

	Account string // the account that parley writes with; empty: not known

	// Shared gives the link, on this connection, of another ticket by its id. nil: of none.
	Shared func(ticketID string) (replica.LinkID, bool)

	TextsOut
}

// TextsOut is what rich texts need to leave.
type TextsOut struct {
	Files map[string]string // media ids of the ticket's attachments, by attachment id, where they are known
	Site  string            // the tenant's address; empty: no address is withheld

	// Origin gives the peer's item, on this connection, of which we hold the copy: by comment id, or attachment id
	// behind FilePrefix. nil: we hold none.
	Origin func(local string) (replica.Path, bool)
	// SharedKey reports whether this connection shares our ticket of a key. nil: none.
	SharedKey func(key string) bool
}

// TextsIn is what rich texts need to be written here.
type TextsIn struct {
	Files    map[string]string // as in TextsOut, for those that FilesWanted asked for; empty: not known
	Site     string            // the tenant's address
	PeerSite string            // an address of the peer's tenant; empty: not known

	// NewerTexts lets texts be written that hold nodes, marks or attributes which this version does not know: Jira may.
	NewerTexts bool

	// Origin gives the remote item of a comment or attachment that parley wrote, as in TextsOut. nil: there are none.
	Origin func(local string) (replica.Path, bool)
	// Shown reports whether the peer holds an item of ours. nil: none.
	Shown func(ours replica.Path) bool
	// TwinKey gives the key of our ticket whose twin has that key at the peer's. nil: of none.
	TwinKey func(theirs string) (ours string, ok bool)
}

// Arrival is what a plan is made from.
type Arrival struct {
	Remote       replica.View          // the peer's whole view of the ticket
	Changed      []replica.Path        // what must be judged now, sorted: absent from Remote means withdrawn
	Waited       map[replica.Path]bool // items that were held when last judged: their rules are due again
	RulesChanged bool                  // the rules are new since the last plan: literal values are due
	Creating     bool                  // the ticket was made by us just now and is still to be filled; implied where Ticket is nil
	Ticket       *jsm.Ticket           // nil: it is to be created

	// Concurrent reports whether somebody changed the outgoing item here without knowing of the peer's
	// change of the remote one, and our value (without a kind: removed, at its time). nil: never.
	Concurrent func(remote, outgoing replica.Path) (ours replica.Item, yes bool)
	// Known reports whether whoever changed anything here knew the peer's item: the ticket was made from it, and it was
	// not judged since. nil: never.
	Known func(remote replica.Path) bool
	// Withdrawn is when the peer withdrew an item: Unix ms by its Jira, 0 unknown. nil: never known.
	Withdrawn func(remote replica.Path) int64
	// Twin gives the local comment that parley wrote for a remote one. nil: there is none.
	Twin func(remote replica.Path) (localID string, ok bool)
	// Person finds somebody by e-mail among those that EmailsWanted asked for. nil: finds nobody.
	Person func(email string) (jsm.Person, bool)

	// Shared gives our ticket of another link of the connection, with id and key. nil: of none.
	Shared func(replica.LinkID) (jsm.Option, bool)

	TextsIn

	// LinkTypes are the tenant's kinds of links, where WantsLinkTypes says so.
	LinkTypes []jsm.LinkType
	// GlobalID begins the global ids of the web links that are made for this link.
	GlobalID string

	Account string // the account that parley writes with; empty: not known

	LocalNode, PeerNode string // node ids: the larger one wins where both changed at the same millisecond
}

// creating reports whether nobody's edit can be in the way.
func (in *Arrival) creating() bool { return in.Creating || in.Ticket == nil }

func (in *Arrival) withdrawn(p replica.Path) int64 {
	if in.Withdrawn == nil {
		return 0
	}
	return in.Withdrawn(p)
}

func (in *Arrival) person(email string) (jsm.Person, bool) {
	if in.Person == nil || email == "" {
		return jsm.Person{}, false
	}
	return in.Person(email)
}

func (in *Arrival) twin(p replica.Path) (string, bool) {
	if in.Twin == nil {
		return "", false
	}
	return in.Twin(p)
}

// parent finds the ticket here that a ticket of the peer's is part of.
func (in *Arrival) parent(f *field, v replica.Value) (jsm.Value, error) {
	if err := f.admit(v); err != nil {
		return nil, err
	}
	if in.Shared != nil {
		if here, ok := in.Shared(v.(replica.Ticket).Link); ok {
			return here, nil
		}
	}
	return nil, &refusal{reason: fmt.Sprintf("%s of the peer has no twin here yet.", clip(v.(replica.Ticket).Key)), next: "It is judged again by itself when its twin is made.", code: NoTwin}
}
