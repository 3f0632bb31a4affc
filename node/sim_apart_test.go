package node_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"parley/replica"
)

// TestSimulationKeepsClientsApart plays the same story twice: the north's work
// with the south, with and without another client who shares tickets with the
// north all the while. What leaves for the south is the same to the byte. (The
// salts of its log's entries are random and no part of the replicas.)
func TestSimulationKeepsClientsApart(t *testing.T) {
	exact(t)
	alone, beside := outbound(t, false), outbound(t, true)
	if len(alone) < 20 {
		t.Fatalf("only %d replicas left for the south", len(alone))
	}
	if len(alone) != len(beside) {
		t.Errorf("%d replicas left for the south, with another client at work %d", len(alone), len(beside))
	}
	for i := range min(len(alone), len(beside)) {
		if !bytes.Equal(alone[i], beside[i]) {
			a, errA := replica.Decode(alone[i])
			b, errB := replica.Decode(beside[i])
			t.Fatalf("replica %d of %d and %d differs with another client at work:\n%+v %v\n%+v %v", i+1, len(alone), len(beside), a, errA, b, errB)
		}
	}
}

// outbound gives the replicas that the north sends to the south.
func outbound(t *testing.T, clientWorks bool) (bodies [][]byte) {
	agreed := everything()
	agreed.down.files, agreed.down.hidden, agreed.up.files, agreed.up.hidden = false, false, false, false
	s := agreed.apply(shapes()[0])
	inWorld(t, 5, sound, s.cast(true), func(w *world) {
		d := &drama{world: w, shape: s, north: w.by("north"), south: w.by("south"), client: w.by("client-a"), gentle: true}
		for range 90 {
			d.n++
			if d.n%10 == 1 {
				d.raise()
			} else {
				d.people()
			}
			time.Sleep(3 * time.Second)
			d.clientSays(clientWorks)
			time.Sleep(10 * time.Second)
		}
		d.quiet()
		if links := len(d.client.tenant.Issues()); links != 18 {
			t.Fatalf("the client raised %d tickets", links)
		}
		sent := d.north.p.n.Desk().Connection("other").Log.Position().Seq
		if clientWorks != (sent > 0) {
			t.Fatalf("the other client was sent %d replicas", sent)
		}
		entries, err := d.north.p.n.Desk().Connection("link").Log.Entries(1, 100_000)
		w.must(err)
		for _, e := range entries {
			if _, err := replica.Decode(e.Body); err != nil {
				t.Fatal(err)
			}
			bodies = append(bodies, e.Body)
		}
	})
	return bodies
}

// clientSays has the client raise a ticket of its own, or talk of one; it shares
// them or not. What then comes to the north takes numbers, so where nothing comes
// the north's people use up as many on matters of their own.
func (d *drama) clientSays(shares bool) {
	theirs := d.client.tenant.Issues()
	secret := fmt.Sprintf("secret-%d.", d.n)
	if d.n%5 != 1 {
		_, err := d.client.agent.Comment(theirs[len(theirs)-1].Key, secret, true)
		d.must(err)
		if !shares {
			own := d.north.tenant.Find("A matter of our own")
			_, err := d.north.agent.Comment(own[len(own)-1].Key, "It takes the number.", true)
			d.must(err)
		}
		return
	}
	key, err := d.client.agent.CreateRequest("Technical question", map[string]any{"summary": secret, "description": "Hush."})
	d.must(err)
	if shares {
		d.must(d.client.agent.Label(key, "partner-x"))
		return
	}
	_, err = d.north.agent.CreateRequest("Get IT help", map[string]any{"summary": "A matter of our own", "description": "It takes the number."})
	d.must(err)
}
