package exchange

import (
	"errors"
	"fmt"
	"time"

	"parley/node/ledger"
	"parley/node/rules"
)

// Codes of what is held because a file does not come.
const (
	FileWrong   = "file-wrong"   // the peer sends other bytes than it announced
	FileRefused = "file-refused" // the peer does not give it
	FileLate    = "file-late"    // it does not come
	FileRoom    = "file-room"    // no room for it here
	FileLarge   = "file-large"   // there never will be
)

// BlobWait is a file that is not here yet. Without a code it is under way.
type BlobWait struct {
	Have, Size int64 // bytes that are surely here, of how many
	Class      ledger.Class
	Code       string
	Reason     string
	Next       string
	Again      time.Time // from when on Fetch tries it again by itself; zero: only a person does (Refetch)
}

// Stuck reports a file that is not under way now.
func (w BlobWait) Stuck() bool { return w.Code != "" }

// BlobError is a file that is held.
type BlobError struct {
	Connection string
	Wait       BlobWait
}

func (e *BlobError) Error() string {
	return fmt.Sprintf("a file of connection %q is held: %s", e.Connection, e.Wait.Reason)
}

// What is done about a pull that failed.
const (
	maxBad     = 3 // times that wrong bytes are taken
	maxRefused = 3 // times that a "no" is heard
	maxFailed  = 6 // attempts in a row that bring nothing

	firstPause = 2 * time.Second // before another attempt; doubled each time
	lastPause  = time.Minute
	deniedFor  = time.Hour
	failedFor  = 10 * time.Minute
	roomFor    = 5 * time.Minute
)

// Ends of a transfer, to branch on.
var (
	errDisk   = errors.New("this node's disk")
	errBraked = errors.New("held back while the disk is nearly full")
	errShort  = errors.New("the peer ended before the file did")
)

// denied is the peer's no.
type denied struct{ no blobNo }

func (r *denied) Error() string { return r.no.String() }

// noRoom words why the spool takes no further blob.
func noRoom(err error) BlobWait {
	if errors.Is(err, ledger.ErrTooLarge) {
		return BlobWait{
			Class: ledger.Definite, Code: FileLarge, Reason: "The file is larger than this node ever takes: " + err.Error() + ".",
			Next: "Send the file another way, or leave attachments of that size out of the rules (max).",
		}
	}
	return BlobWait{
		Class: ledger.Transient, Code: FileRoom, Reason: "There is no room for the file here now: " + err.Error() + ".",
		Next: "It goes on by itself when other files are in Jira; look at what is held if it does not.", Again: time.Now().Add(roomFor),
	}
}

// wrongBytes words that the peer's bytes were never right.
func wrongBytes(peer string) BlobWait {
	return BlobWait{
		Class: ledger.Peer, Code: FileWrong, Reason: fmt.Sprintf("%s sent other bytes than it had announced, %d times; they were thrown away.", peer, maxBad),
		Next: "Ask the partner's admin; then run: parley held retry.",
	}
}

// judge decides, after an attempt, what becomes of a pull: a pause before the
// next attempt, or a wait with its reason. bad is how often its bytes were wrong.
func (p *pull) judge(err error, moved bool, bad int, peer string) (pause time.Duration, wait BlobWait) {
	var no *denied
	switch {
	case errors.Is(err, ledger.ErrNone): // it was dropped and is wanted again
		return 0, wait
	case errors.Is(err, errBraked):
		return lookAgain, wait
	case errors.Is(err, errDisk):
		return 0, BlobWait{
			Class: ledger.Transient, Code: FileRoom, Reason: "The file could not be written to this node's disk.", Next: "Look at the node's log; free some space.", Again: time.Now().Add(roomFor),
		}
	case errors.Is(err, ledger.ErrWrongBytes):
		if bad >= maxBad {
			return 0, wrongBytes(peer)
		}
		return firstPause, wait
	case errors.As(err, &no) && no.no != noLater:
		if p.refused++; p.refused < maxRefused {
			return slower(p.refused), wait
		}
		return 0, BlobWait{
			Class: ledger.Peer, Code: FileRefused, Reason: fmt.Sprintf("%s does not give the file: %s.", peer, no), Next: "Ask the partner's admin whether the file is still at their ticket.", Again: time.Now().Add(deniedFor),
		}
	}
	if moved {
		p.failed = 0
	}
	if p.failed++; p.failed < maxFailed {
		return slower(p.failed), wait
	}
	return 0, BlobWait{
		Class: ledger.Peer, Code: FileLate, Reason: fmt.Sprintf("The file does not come from %s: %s.", peer, err), Next: "It is tried again by itself. If it stays so, ask the partner's admin to look at their node.", Again: time.Now().Add(failedFor),
	}
}

func slower(n int) time.Duration { return min(firstPause<<(n-1), lastPause) }

// fileCodes explain the above; they are part of the catalogue.
var fileCodes = []Explained{
	{FileUnread, ledger.Definite, "A file cannot be read here",
		"One of our files is shared by the rules, and Jira does not give its content.",
		"The account may not see it, its content lies on a host that is not allowed, or Jira has lost it.",
		"Open the file in Jira as parley's account. It is tried again by itself."},
	{rules.Budget, ledger.Definite, "Too many bytes of files",
		"The files of the ticket, or of the connection on this day, come to more than [limits] allows.",
		"Large recordings or dumps, or many files at once.",
		"A day's limit ends by itself at midnight (UTC). Raise bytes_per_ticket or bytes_per_day, or leave large attachments out of the rules (max)."},
	{FileLarge, ledger.Definite, "A file is too large for this node",
		"The partner's file is larger than this node ever keeps on its way to Jira.",
		"A dump or a recording was attached to the ticket.",
		"Send the file another way, or leave attachments of that size out of the rules (max)."},
	{FileRoom, ledger.Transient, "No room for a file",
		"A file of the partner's could not be kept on its way to Jira; nothing of it is lost.",
		"Many large files came at once, or the node's disk is full or read-only.",
		"It goes on by itself when there is room. Free some space if it does not."},
	{FileWrong, ledger.Peer, "A file is not what was announced",
		"The partner's node sent other bytes than it had announced, several times; they were thrown away.",
		"The partner's Jira answers with something else than the file (a login page), or the file was damaged there.",
		"Ask the partner's admin to open the file in their Jira; then run: parley held retry ID."},
	{FileRefused, ledger.Peer, "A file is not given",
		"The partner's node does not give a file that its ticket named.",
		"The file was deleted or withdrawn meanwhile, or the partner's node was restored from a backup.",
		"Ask the partner's admin whether the file is still there. It is tried again every hour."},
	{FileLate, ledger.Peer, "A file does not come",
		"The file was asked for several times and nothing more of it came.",
		"The partner's Jira is slow or limited, or the line between the nodes is bad.",
		"It is tried again by itself. If it stays so, look at the line (parley doctor) and ask the partner's admin."},
}
