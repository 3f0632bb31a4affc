package exchange

import (
	"context"
	"time"
)

// outlive is a context that ends a while after ctx does, so that a write to Jira
// which is under way is finished and its outcome known: one that is broken off
// is uncertain, and costs a settle time at the next start. end gives it up.
func outlive(ctx context.Context, by time.Duration) (late context.Context, end func()) {
	if by <= 0 {
		return ctx, func() {}
	}
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	over := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(over)
		timer := time.NewTimer(by)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-late.Done():
		}
	})
	return late, func() {
		cancel()
		if !stop() {
			<-over
		}
	}
}
