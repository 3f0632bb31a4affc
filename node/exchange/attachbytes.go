package exchange

import (
	"encoding/json"
	"fmt"
	"time"

	"parley/node/ledger"
	"parley/replica"
)

// How many bytes of files a connection may carry within a day, each way. A file is counted before its first byte
// moves, on disk; after a restart one that had not left yet is counted again, never too few.

// Directions that are counted apart.
const (
	bytesIn  = "in"
	bytesOut = "out"
)

// carried is what went on one day on one day.
type carried struct {
	Day   string `json:"day"` // UTC, YYYY-MM-DD
	Bytes int64  `json:"bytes"`
}

func bytesFact(connection, way string) string { return "bytes/" + way + "/" + connection }

// spendBytes counts a file, once, and reports whether the day has room for it. counted: it was before.
func (d *Desk) spendBytes(c *Connection, way string, link replica.LinkID, p replica.Path, size, limit int64, counted bool) (bool, error) {
	if limit == 0 || counted {
		return true, nil
	}
	f := d.files
	f.budget <- struct{}{}
	defer func() { <-f.budget }()
	today := time.Now().UTC().Format(time.DateOnly)
	if f.day != today {
		f.day = today
		clear(f.spent)
	}
	key := fmt.Sprintf("%s %s %s %s", way, c.Name, link, p)
	if f.spent[key] {
		return true, nil
	}
	var now carried
	name := bytesFact(c.Name, way)
	stored, err := d.led.Fact(name)
	if err != nil {
		return false, fmt.Errorf("reading what connection %q has carried today: %w", c.Name, err)
	}
	if len(stored) > 0 {
		if err := json.Unmarshal(stored, &now); err != nil {
			return false, fmt.Errorf("reading what connection %q has carried today: %w", c.Name, err)
		}
	}
	if now.Day != today {
		now = carried{Day: today}
	}
	if now.Bytes+size > limit {
		return false, nil
	}
	now.Bytes += size
	if stored, err = json.Marshal(now); err != nil {
		return false, err
	}
	if err := d.led.Write(func(b *ledger.Batch) error { return ledger.PutFact(b, name, stored) }); err != nil {
		return false, err
	}
	f.spent[key] = true
	return true, nil
}

// tomorrow is when the next day begins.
func tomorrow() time.Time { return time.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour) }

// wanted reports whether a file is in the spool already, in part or in whole, for the link.
func (q *blobs) wanted(c *Connection, link replica.LinkID, hash replica.Hash, size int64) bool {
	if q.spool == nil {
		return false
	}
	state, err := q.spool.State(ledger.BlobID{Connection: c.Name, Hash: hash, Size: size})
	if err != nil {
		return false
	}
	for _, one := range state.Links {
		if one == link {
			return true
		}
	}
	return false
}
