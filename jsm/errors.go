package jsm

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Class says who must do something about an error.
type Class string

const (
	Definite  Class = "definite"  // this request, with these data, is refused; repeating it changes nothing
	Transient Class = "transient" // the same request may succeed later
	Tenant    Class = "tenant"    // the account or the site refuses as such (token, licence, login page): every call will fail until a person acts
)

// Applied says whether the request can have had an effect.
type Applied string

const (
	No    Applied = "no"    // certainly not: a read, refused, or never sent
	Maybe Applied = "maybe" // sent, and the answer lost or unclear: look before repeating
)

// APIError is a call that Jira refused or that got no usable answer. It answers "again, and when?".
type APIError struct {
	Op         string            // "PUT issue"; method and endpoint, no ids
	Status     int               // HTTP status; 0: no answer
	Messages   []string          // Jira's sentences, in the account's language, bounded
	Fields     map[string]string // field id → Jira's sentence
	Class      Class
	RetryAfter time.Duration // how long Jira asks to wait; 0: it did not say
	Reason     string        // RateLimit-Reason, such as jira-per-issue-on-write
	Applied    Applied
	Trouble    Trouble // what is wrong with the tenant as such; "": it concerns this request
	Unsent     bool    // held back: nothing was sent
	Trace      string  // Atlassian's trace id, for their support
	Err        error   // the cause where there was no answer
}

func (e *APIError) Error() string {
	var b strings.Builder
	b.WriteString("jira: " + e.Op)
	if e.Status != 0 {
		fmt.Fprintf(&b, ": %d", e.Status)
	}
	sep := ": "
	for _, m := range e.Messages {
		b.WriteString(sep + m)
		sep = "; "
	}
	for _, id := range slices.Sorted(maps.Keys(e.Fields)) {
		b.WriteString(sep + id + ": " + e.Fields[id])
		sep = "; "
	}
	if e.Err != nil {
		b.WriteString(sep + e.Err.Error())
	}
	if e.Reason != "" {
		b.WriteString(" (" + e.Reason + ")")
	}
	return b.String()
}

func (e *APIError) Unwrap() error { return e.Err }

// Again reports whether the same request may succeed later, and after how long at the earliest.
// Whether it may be repeated at all is Applied's matter.
func (e *APIError) Again() (bool, time.Duration) { return e.Class == Transient, e.RetryAfter }

// IsNotFound reports whether Jira answered 404: missing, or not visible to this account.
func IsNotFound(err error) bool {
	var e *APIError
	return errors.As(err, &e) && e.Status == 404
}

// MaybeApplied reports whether err leaves open that a write happened.
func MaybeApplied(err error) bool {
	var e *APIError
	return errors.As(err, &e) && e.Applied == Maybe
}

func isDefinite(err error) bool {
	var e *APIError
	return errors.As(err, &e) && e.Class == Definite
}

// FieldErrors is a write refused because of single fields. Jira's writes are all or nothing [L]:
// drop the named fields, write the rest, report each.
type FieldErrors struct {
	Fields map[string]string // field id → why
	API    *APIError         // nil: found before anything was sent
}

func (e *FieldErrors) Error() string {
	parts := make([]string, 0, len(e.Fields))
	for _, id := range slices.Sorted(maps.Keys(e.Fields)) {
		parts = append(parts, id+": "+e.Fields[id])
	}
	return "jira: fields refused: " + strings.Join(parts, "; ")
}

func (e *FieldErrors) Unwrap() error {
	if e.API == nil {
		return nil
	}
	return e.API
}

// byField turns a 400 that names fields into *FieldErrors; other errors pass unchanged.
func byField(err error) error {
	var e *APIError
	if errors.As(err, &e) && e.Status == 400 && len(e.Fields) > 0 {
		return &FieldErrors{Fields: e.Fields, API: e}
	}
	return err
}

// afterWrite marks an error of a call that followed a successful write of the same verb: the verb as
// a whole did something.
func afterWrite(err error) error {
	var e *APIError
	if !errors.As(err, &e) {
		return err
	}
	later := *e
	later.Applied = Maybe
	return &later
}
