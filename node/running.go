package node

import (
	"context"
	"path/filepath"

	"parley/node/console"
)

// Running asks the node that runs in home; unlike Ask it never opens the home
// itself.
func Running[Q, A any](ctx context.Context, home string, o Op[Q, A]) (answer A, err error) {
	client, err := console.Dial(ctx, filepath.Join(home, socketFile))
	if err != nil {
		return answer, err
	}
	var question Q
	return answer, client.Ask(ctx, o.name, question, &answer)
}
