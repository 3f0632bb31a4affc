package exchange

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/time/rate"

	"parley/node/ledger"
	"parley/transport"
)

const (
	asksPerSecond = 4       // blob requests of one connection that are looked at; each may cost the tenant a download
	asksBurst     = 64      // a ticket's attachments come together
	regrant       = 4 << 20 // bytes after which a transfer's grant is looked at again
)

// ErrBlobGone is wrapped by what BlobConfig.Read returns where the tenant does
// not have the bytes any more.
var ErrBlobGone = errors.New("the file is gone")

// giveBlobs answers what the peer asks for, until the session ends.
func (t *talk) giveBlobs() error {
	for {
		wire, b, err := t.s.AcceptBlob(t.ctx)
		if err != nil {
			return fmt.Errorf("waiting for blob requests of %q: %w", t.s.Peer(), err)
		}
		t.g.Go(func() error {
			t.giveBlob(wire, b)
			return nil
		})
	}
}

// giveBlob answers one request; what fails ends its stream alone.
func (t *talk) giveBlob(wire string, b *transport.BlobStream) {
	kind, body, err := b.Recv()
	var ask blobAsk
	if err == nil {
		ask, err = decodeBlobAsk(kind, body)
	}
	var no blobNo
	if err == nil {
		no, err = t.stream(wire, ask, b)
	}
	if err == nil && no != 0 {
		err = b.Send(noKind, []byte{byte(no)})
	}
	if err == nil {
		err = b.Done()
	} else {
		b.Reset()
	}
	if err != nil && t.ctx.Err() == nil {
		t.d.log.Debug("a blob could not be given", "connection", wire, "err", err)
	}
}

// stream sends a blob that the connection may have, from the offset on, or says
// why not.
func (t *talk) stream(wire string, ask blobAsk, b *transport.BlobStream) (blobNo, error) {
	c := t.d.wired(t.s.Peer(), wire)
	if c == nil {
		return noUnknown, nil
	}
	if err := t.d.blobs.pace(c.Name).Wait(t.ctx); err != nil {
		return 0, err
	}
	grants, err := t.d.led.Granted(c.Name, ask.hash, ask.size)
	switch {
	case err != nil:
		return noLater, err
	case len(grants) == 0:
		return noUnknown, nil
	case c.halted() != "":
		return noLater, nil
	}
	ctx, cancel := context.WithCancel(t.ctx)
	defer cancel()
	r, no := t.d.blobs.read(ctx, grants, ask.offset)
	if no != 0 {
		return no, nil
	}
	defer r.Close()
	chunk := make([]byte, transport.MaxBlobChunk)
	for at, checked := ask.offset, ask.offset; at < ask.size; {
		if at-checked >= regrant {
			if again, err := t.d.led.Granted(c.Name, ask.hash, ask.size); err != nil || len(again) == 0 {
				return noUnknown, err
			}
			checked = at
		}
		part := chunk[:min(int64(len(chunk)), ask.size-at)]
		switch _, err := io.ReadFull(r, part); {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return noGone, nil // it ends early: these are other bytes
		case err != nil:
			t.d.log.Warn("a file could not be read on", "connection", c.Name, "err", quiet(err))
			return noLater, nil
		}
		if err := b.Send(dataKind, part); err != nil {
			return 0, err
		}
		at += int64(len(part))
	}
	return 0, nil
}

// read opens the first source that has the bytes.
func (q *blobs) read(ctx context.Context, grants []ledger.Grant, offset int64) (io.ReadCloser, blobNo) {
	no := noGone
	for _, g := range grants {
		r, err := q.cfg.Read(ctx, g.Source, offset)
		if err == nil {
			return r, 0
		}
		if !errors.Is(err, ErrBlobGone) {
			q.log.Warn("a file could not be read", "connection", g.Connection, "link", g.Link, "err", quiet(err))
			no = noLater
		}
	}
	return nil, no
}

// pace bounds how often a connection's peer may ask.
func (q *blobs) pace(connection string) *rate.Limiter {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.paces[connection]
	if l == nil {
		l = rate.NewLimiter(asksPerSecond, asksBurst)
		q.paces[connection] = l
	}
	return l
}
