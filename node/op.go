package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"time"

	"parley/node/console"
)

// An Op is one thing that a person can ask of a node, whether it runs or not:
// Q is the question, A the answer, both JSON.
type Op[Q, A any] struct {
	name string
	do   func(*Node, context.Context, Q) (A, error)
}

// ops holds every Op, for the socket.
var ops = map[string]func(*Node, context.Context, json.RawMessage) (any, error){}

// op makes an Op and lists it.
func op[Q, A any](name string, do func(*Node, context.Context, Q) (A, error)) Op[Q, A] {
	ops[name] = func(n *Node, ctx context.Context, question json.RawMessage) (any, error) {
		var q Q
		if err := json.Unmarshal(question, &q); err != nil {
			return nil, fmt.Errorf("reading the question %s: %w", name, err)
		}
		return do(n, ctx, q)
	}
	return Op[Q, A]{name, do}
}

// Ask puts the question to the node that runs in home; where none runs it opens
// the home for as long as the answer takes. Errors with a next step are *Advice.
func (o Op[Q, A]) Ask(ctx context.Context, home string, question Q) (answer A, err error) {
	until := time.Now().Add(lockWait)
	for {
		client, err := console.Dial(ctx, filepath.Join(home, socketFile))
		if err == nil {
			err := client.Ask(ctx, o.name, question, &answer)
			if p, ok := errors.AsType[*console.Problem](err); ok {
				return answer, advise(errors.New(p.Message), "%s", p.Hint)
			}
			return answer, err
		}
		if !errors.Is(err, console.ErrNobody) || ctx.Err() != nil {
			return answer, errors.Join(ctx.Err(), err)
		}
		n, err := open(home, nil)
		if err == nil {
			answer, err = o.do(n, ctx, question)
			return answer, errors.Join(err, n.Close())
		}
		if !errors.Is(err, ErrOpen) {
			return answer, err
		}
		if time.Now().After(until) || !pause(ctx, 100*time.Millisecond) {
			return answer, advise(err, "it does not answer on %s: wait for it to end, or stop it", socketFile)
		}
	}
}

// calls is what the node's socket answers.
func (n *Node) calls() map[string]console.Call {
	calls := map[string]console.Call{}
	for name, do := range maps.All(ops) {
		calls[name] = func(ctx context.Context, question json.RawMessage) (any, error) { return do(n, ctx, question) }
	}
	return calls
}

// problem words an error for the socket.
func problem(err error) *console.Problem {
	p := &console.Problem{Message: err.Error()}
	if a, ok := errors.AsType[*Advice](err); ok {
		p.Hint = a.Hint
	}
	return p
}
