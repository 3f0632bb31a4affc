package node

import (
	"context"
	"fmt"
	"slices"
	"time"

	"parley/conf"
	"parley/node/notify"
)

// Channel is how one way to tell people does.
type Channel = notify.State

// NoticeList lists the channels; what is on its way is known while a node runs.
var NoticeList = op("notify/list", func(n *Node, _ context.Context, _ Nothing) ([]Channel, error) {
	if l := n.live.Load(); l != nil {
		if running := l.notifier.Load(); running != nil {
			return running.States(), nil
		}
	}
	all := []Channel{}
	for _, c := range n.conf.Notify.Channels {
		all = append(all, Channel{Channel: c.Name, Kind: c.Kind, Floor: notify.Severity(c.Floor)})
	}
	return all, nil
})

// NoticeQuestion names a channel; "" means all.
type NoticeQuestion struct {
	Channel string `json:"channel"`
}

// NoticeTested is what became of a test of one channel.
type NoticeTested struct {
	Channel string `json:"channel"`
	Kind    string `json:"kind"`
	OK      bool   `json:"ok"`
	Reason  string `json:"reason,omitempty"` // why not
}

// noticeTestTime bounds the test of one channel.
const noticeTestTime = 45 * time.Second

// NoticeTest sends a test by channels, now, whatever their floors, digests and
// quiet times.
var NoticeTest = op("notify/test", (*Node).noticeTest)

func (n *Node) noticeTest(ctx context.Context, q NoticeQuestion) ([]NoticeTested, error) {
	channels := slices.Clone(n.conf.Notify.Channels)
	if q.Channel != "" {
		channels = slices.DeleteFunc(channels, func(c conf.Channel) bool { return c.Name != q.Channel })
	}
	if len(channels) == 0 {
		what := "there are no channels"
		if q.Channel != "" {
			what = fmt.Sprintf("there is no channel %q", q.Channel)
		}
		return nil, advise(fmt.Errorf("%s in %s", what, nodeFile), `add [notify.channel.ops] with kind = "webhook", "mail" or "ticket"; "parley notify --help" shows each`)
	}
	all := []NoticeTested{}
	for _, c := range channels {
		trying, cancel := context.WithTimeout(ctx, noticeTestTime)
		_, err := n.channel(c).Send(trying, notify.Trial(c.Name, time.Now()))
		cancel()
		t := NoticeTested{Channel: c.Name, Kind: c.Kind, OK: err == nil}
		if err != nil {
			t.Reason = err.Error()
		}
		all = append(all, t)
	}
	return all, ctx.Err()
}
