package node

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/node/ledger"
	"parley/replica"
)

// TestAFilesWayIsShown: what is on disk of each of the partner's files, by the item that names it; not of what is
// attached, of what another link waits for, or by its name.
func TestAFilesWayIsShown(t *testing.T) {
	n := newNode(t)
	publish(t, n, "globex", someRules)
	k, _ := stored(t, n)
	spool, err := n.led.OpenSpool(ledger.SpoolConfig{Dir: filepath.Join(t.TempDir(), "blobs"), Every: 1})
	if err != nil {
		t.Fatal(err)
	}
	remote := replica.View{}
	var bytesOf [6][]byte
	for i := range bytesOf {
		bytesOf[i] = bytes.Repeat([]byte{byte(i)}, 1000+i)
		file := replica.Attachment{Name: "secret.txt", Size: int64(len(bytesOf[i])), Hash: sha256.Sum256(bytesOf[i])}
		remote[replica.Path(fmt.Sprint("attachment/", i+8))] = replica.NewItem(file, 1)
	}
	come := func(i, have int, link replica.LinkID) {
		id := ledger.BlobID{Connection: "globex", Hash: sha256.Sum256(bytesOf[i]), Size: int64(len(bytesOf[i]))}
		if _, err := spool.Want(id, link, time.Now()); err != nil {
			t.Fatal(err)
		}
		f, err := spool.Fill(id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = f.Write(bytesOf[i][:have]); err == nil {
			if err = f.Sync(); err == nil && have == len(bytesOf[i]) {
				err = f.Finish()
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	come(0, 0, k.ID)
	come(1, 250, k.ID)
	come(2, 1002, k.ID)
	come(3, 100, k.ID)                                        // held
	come(4, 1004, k.ID)                                       // attached
	come(5, 10, replica.NewLinkID("globex", "NODE", "other")) // another link's
	twin := ledger.Twin{Connection: "globex", Link: k.ID, Path: "attachment/12", Ticket: k.Ticket, Local: "attachment/1"}
	if err := n.led.Write(func(b *ledger.Batch) error { return ledger.PutTwin(b, twin) }); err != nil {
		t.Fatal(err)
	}
	lines, err := n.filesComing(linkState{Link: k, in: &ledger.Incoming{Remote: remote}, held: []ledger.Held{{Path: "attachment/11"}, {Path: "attachment/9", Out: true}}})
	if err != nil {
		t.Fatal(err)
	}
	want := []FileLine{{"attachment/8", 0, 1000, "waiting"}, {"attachment/9", 250, 1001, "coming"}, {"attachment/10", 1002, 1002, "here"}, {"attachment/11", 100, 1003, "held"}}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
	s, err := n.status(t.Context(), Nothing{})
	if err != nil {
		t.Fatal(err)
	}
	if c := s.Connections[0]; c.Files != 6 || c.FileBytes != 250+1002+100+1004+10 || c.FileTotal != 6015 {
		t.Errorf("the connection shows as %+v", c)
	}
}
