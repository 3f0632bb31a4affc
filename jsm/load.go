package jsm

import "context"

// Load says for whom a call is made. Waiting calls are ordered by it, see governor.
type Load struct {
	Connection string // the connection that the call serves; "" is the node's own, as a poll for all of them
	Backfill   bool   // nobody waits for it: a first sharing, a sweep, work that is tried again
}

type loadKey struct{}

// WithLoad makes the calls under ctx stand for a load. Without one they are the node's own, and a person's.
func WithLoad(ctx context.Context, l Load) context.Context {
	return context.WithValue(ctx, loadKey{}, l)
}

// OnBehalf names the connection that the calls under ctx serve, and leaves the rest of their load as it is.
func OnBehalf(ctx context.Context, connection string) context.Context {
	l := loadOf(ctx)
	l.Connection = connection
	return WithLoad(ctx, l)
}

func loadOf(ctx context.Context) Load {
	l, _ := ctx.Value(loadKey{}).(Load)
	return l
}
