package exchange

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"parley/node/ledger"
	"parley/replica"
)

// ErrOtherSize is wrapped where the tenant gives more or fewer bytes than it
// says a file has: a login page instead of the file, as a rule.
var ErrOtherSize = errors.New("not the size that the file has")

const sumBuffer = 64 << 10 // bytes read at once

// SumBlob is the SHA-256 of a stream that must have size bytes. It holds 64 KiB
// of it at a time, and reads one byte beyond size at most.
func SumBlob(r io.Reader, size int64) (sum replica.Hash, err error) {
	h := sha256.New()
	n, err := io.CopyBuffer(h, io.LimitReader(r, size+1), make([]byte, sumBuffer))
	if err != nil {
		return sum, fmt.Errorf("hashing a file: %w", err)
	}
	if n != size {
		return sum, fmt.Errorf("hashing a file of %d bytes: %d came: %w", size, n, ErrOtherSize)
	}
	return replica.Hash(h.Sum(nil)), nil
}

// SumFile is a file's SHA-256, read whole through BlobConfig.Read unless this
// node has read it before.
func (d *Desk) SumFile(ctx context.Context, f ledger.FileID, source string) (sum replica.Hash, err error) {
	if sum, err = d.led.Sum(f); err == nil || !errors.Is(err, ledger.ErrNone) {
		return sum, err
	}
	r, err := d.blobs.cfg.Read(ctx, source, 0)
	if err != nil {
		return sum, fmt.Errorf("hashing a file: %w", err)
	}
	defer r.Close()
	if sum, err = SumBlob(r, f.Size); err != nil {
		return sum, err
	}
	return sum, d.led.PutSum(f, sum)
}
