package exchange

import (
	"context"
	"time"

	"parley/jsm"
)

// since is when a ticket began to be shared, in Unix ms: what was said before
// stays here. A trigger is noticed some time after it came true, so the ticket's
// history tells; by hand it is now.
func (d *Desk) since(ctx context.Context, t *jsm.Ticket, trigger string, now time.Time, byHand bool) (int64, error) {
	if byHand {
		return now.UnixMilli(), nil
	}
	at, whole := jsm.MatchedSince(trigger, t)
	if !whole { // a bulk read brings the newest entries only
		long := *t
		var err error
		if long.History, err = d.jira.History(ctx, t.ID); err != nil {
			return 0, err
		}
		long.HistoryTotal = len(long.History)
		at, _ = jsm.MatchedSince(trigger, &long)
	}
	return at.UnixMilli(), nil
}
