package exchange

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestAWriteUnderWayMayOutliveTheStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		late, end := outlive(ctx, 20*time.Second)
		began := time.Now()
		stop()
		synctest.Wait()
		if late.Err() != nil {
			t.Fatal("it ended with the stop")
		}
		<-late.Done()
		if took := time.Since(began); took != 20*time.Second {
			t.Errorf("it ended after %v", took)
		}
		end()
		ctx, stop = context.WithCancel(t.Context())
		late, end = outlive(ctx, 20*time.Second)
		end() // everything is finished before any stop
		if late.Err() == nil {
			t.Error("it goes on after its end")
		}
		stop()
	})
}
