package replica

import (
	"errors"
	"fmt"
)

// Bounds of the format; a peer's bytes beyond them are refused.
const (
	Version1    = 1        // the format version that this package writes and reads
	MaxReplica  = 16 << 20 // bytes encoded; a larger whole view goes as several replicas
	MaxView     = 64 << 20 // bytes of a stored view
	MaxPaths    = 100_000  // items in a view; Jira allows 5,000 comments and 2,000 attachments a ticket
	MaxPath     = 512      // bytes of a path; a custom field's name has at most 255 characters
	MaxText     = 1 << 20  // bytes of a text; Jira's own limit is 32,767 characters
	MaxRich     = 4 << 20  // bytes of rich text as JSON, as replica/adf bounds it
	MaxList     = 10_000   // elements of a list
	maxKind     = 64       // bytes of a kind's name
	maxName     = 1 << 10  // bytes of a name, an id, an address of a person
	maxURL      = 2 << 10  // bytes
	maxVia      = 32       // nodes that a relayed ticket came through
	maxExtra    = 32       // unknown envelope keys
	maxExtraKey = 64       // bytes
	maxNumber   = 64       // bytes of a decimal
	maxChild    = 4        // steps of a cascading select; Jira has two
)

var (
	// ErrMalformed says that bytes are not in the format; a *FormatError says where.
	ErrMalformed = errors.New("malformed replica")
	// ErrTooLarge says that a replica has more than MaxReplica bytes.
	ErrTooLarge = errors.New("replica too large")
	// ErrVersion says that a replica is of a format that this package does not know.
	ErrVersion = errors.New("unknown replica format version")
	// ErrBase says that a replica was made against another view than this one:
	// ask for the whole view.
	ErrBase = errors.New("replica is made against another view")
	// ErrAfter says that a replica does not lead to the view that it names: ask
	// for the whole view.
	ErrAfter = errors.New("replica does not lead to the view that it names")
)

// FormatError says what is wrong with bytes, and where. It holds none of them.
// errors.Is finds ErrMalformed in it.
type FormatError struct {
	Offset int    // bytes from the start
	Reason string // in plain words
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("%v at byte %d: %s", ErrMalformed, e.Offset, e.Reason)
}

// Unwrap makes a FormatError an ErrMalformed.
func (e *FormatError) Unwrap() error { return ErrMalformed }
