package exchange

import (
	"errors"
	"fmt"
	"io"
	"time"

	"parley/node/ledger"
	"parley/transport"
)

// pullBlobs pulls what is waited for from this peer, a few blobs at once, until
// the session ends. A pull that fails is no failure of the session.
func (t *talk) pullBlobs() error {
	q := t.d.blobs
	if q.spool == nil {
		return nil
	}
	for {
		news := q.news()
		c, p, again := q.begin(t)
		if p != nil {
			t.g.Go(func() error {
				t.pullBlob(c, p)
				return nil
			})
			continue
		}
		var timer <-chan time.Time
		if !again.IsZero() {
			timer = time.After(time.Until(again))
		}
		select {
		case <-news:
		case <-timer:
		case <-t.ctx.Done():
			return t.ctx.Err()
		}
	}
}

// pullBlob makes one attempt, and has whoever waits look where it is the last.
func (t *talk) pullBlob(c *Connection, p *pull) {
	began := time.Now()
	moved, err := t.attempt(c, p.id)
	look := t.d.blobs.ended(t, c, p, moved, err)
	if err != nil && t.ctx.Err() == nil {
		t.d.log.Warn("a file did not come whole", "connection", c.Name, "err", err, "took", time.Since(began))
	}
	if !look {
		return
	}
	state, err := t.d.blobs.spool.State(p.id)
	if err != nil {
		return
	}
	for _, link := range state.Links {
		t.d.wakeAgain(c.Name, link)
	}
}

// attempt goes on with a blob where it stands, and reports whether it moved. It
// is there in whole, checked and on disk, where the error is nil.
func (t *talk) attempt(c *Connection, id ledger.BlobID) (moved bool, err error) {
	f, err := t.d.blobs.spool.Fill(id)
	if err != nil {
		return false, errors.Join(errDisk, err)
	}
	from := f.Have()
	err = t.take(c, id, f)
	moved = f.Have() > from
	switch {
	case errors.Is(err, transport.ErrProtocol), errors.Is(err, transport.ErrFrame), errors.Is(err, transport.ErrTooLarge):
		err = errors.Join(ledger.ErrWrongBytes, err, f.Discard())
	case err == nil:
		if err = f.Finish(); err != nil && !errors.Is(err, ledger.ErrWrongBytes) {
			err = errors.Join(errDisk, err)
		}
	}
	if closed := f.Close(); closed != nil {
		err = errors.Join(err, errDisk, closed)
	}
	return moved, err
}

// take asks for the rest of a blob and writes what comes.
func (t *talk) take(c *Connection, id ledger.BlobID, f *ledger.Filling) error {
	if f.Have() == id.Size {
		return nil
	}
	b, err := t.s.OpenBlob(t.ctx, c.Wire)
	if err != nil {
		return err
	}
	defer b.Reset()
	ask := blobAsk{hash: id.Hash, size: id.Size, offset: f.Have()}
	if err := errors.Join(b.Send(giveKind, ask.encode()), b.Finish()); err != nil {
		return fmt.Errorf("asking for a blob: %w", err)
	}
	for f.Have() < id.Size {
		if t.d.brake.on() != "" { // what is not read fills the session's window
			return errBraked
		}
		kind, body, err := b.Recv()
		if err == io.EOF {
			return errShort
		}
		if err != nil {
			return fmt.Errorf("receiving a blob: %w", err)
		}
		data, no, err := blobFrame(kind, body, id.Size-f.Have())
		switch {
		case err != nil:
			return err
		case no != 0:
			return &denied{no}
		}
		if _, err := f.Write(data); err != nil {
			return errors.Join(errDisk, err)
		}
	}
	if kind, body, err := b.Recv(); err == nil {
		return fmt.Errorf("%d bytes of kind %q follow the whole blob: %w", len(body), kind, transport.ErrProtocol)
	}
	return nil // however the stream ends: the hash tells whether this is the blob
}
