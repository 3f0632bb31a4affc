package node

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/conf"
	"parley/jsm"
	"parley/node/exchange"
	"parley/node/ledger"
	"parley/node/notify"
	"parley/replica/adf"
)

// noticeDesk tells of trouble by tickets in the node's own desk: one open
// ticket for each trouble, with later news as internal comments. It never
// closes one: that is for whoever works on it.
//
// A ticket bears a token of its trouble in the summary, which is the only place
// that the portal takes from the first moment, and then a label and a mark. A
// creation is noted on disk before it is asked for; while its outcome is open
// it is looked for, and repeated only after the settle time.
type noticeDesk struct {
	n *Node
	c conf.Channel
}

// noticeMark is what our notices' tickets and comments bear as our property.
type noticeMark struct {
	Token   string `json:"notice,omitempty"`  // of a ticket
	Message string `json:"message,omitempty"` // the id of the message that made it
}

// send brings the ticket of a trouble up to date. ref is its id.
func (d *noticeDesk) send(ctx context.Context, m notify.Message) (ref string, err error) {
	ctx = jsm.WithLoad(ctx, jsm.Load{Backfill: true}) // behind what people wait for
	it := m.Items[0]
	token := noticeToken(d.n, it.Key)
	tried, err := d.tried(token)
	if err != nil {
		return "", err
	}
	open, err := d.find(ctx, m.Ref, token, tried)
	switch {
	case err != nil:
		return "", fmt.Errorf("looking for the ticket of notice %q: %w", it.Key, err)
	case open != nil && !tried.IsZero(): // this message made it, and did not hear so
		d.finish(ctx, open.ID, token, m)
		return open.ID, d.note(token, time.Time{})
	case open != nil:
		return open.ID, d.comment(ctx, open, m)
	}
	if rest := time.Until(tried.Add(d.n.conf.Settle.Create)); !tried.IsZero() && rest > 0 {
		return "", &notify.Busy{After: rest, Err: errors.New("it is not known yet whether the ticket was made")}
	}
	if m.Moot || !it.Over.IsZero() {
		return "", d.note(token, time.Time{}) // no ticket is opened over what is past
	}
	return d.create(ctx, token, m)
}

// noticeToken names a trouble in Jira: short, and another one for each node.
func noticeToken(n *Node, key string) string {
	sum := sha256.Sum256([]byte(string(n.ID()) + "\x00" + key))
	return hex.EncodeToString(sum[:5])
}

// tried is when a ticket was asked for whose making is not certain; zero: none was.
func (d *noticeDesk) tried(token string) (time.Time, error) {
	v, err := d.n.led.Fact("notice/" + token)
	if err != nil || len(v) == 0 {
		return time.Time{}, err
	}
	ms, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading when a notice's ticket was asked for: %w", err)
	}
	return time.UnixMilli(ms), nil
}

// note stores when a ticket was asked for; zero: its outcome is known.
func (d *noticeDesk) note(token string, at time.Time) error {
	var v []byte
	if !at.IsZero() {
		v = strconv.AppendInt(nil, at.UnixMilli(), 10)
	} else if before, err := d.n.led.Fact("notice/" + token); err != nil || len(before) == 0 {
		return err
	}
	return d.n.led.Write(func(b *ledger.Batch) error { return ledger.PutFact(b, "notice/"+token, v) })
}

// find gives the trouble's open ticket; nil where there is none.
func (d *noticeDesk) find(ctx context.Context, ref, token string, tried time.Time) (*jsm.Ticket, error) {
	if ref != "" {
		t, err := d.n.tenant.client.Ticket(ctx, ref)
		if err == nil && t.Status.Category != "done" {
			return t, nil
		}
		if err != nil && !jsm.IsNotFound(err) {
			return nil, err
		}
	}
	query := "project = " + jsm.QuoteJQL(d.c.Project) + " AND creator = currentUser() AND "
	if tried.IsZero() {
		query += "labels = " + jsm.QuoteJQL(exchange.NoticeWord)
	} else { // it may not have its label yet; clocks are given five minutes
		query += "created >= " + strconv.FormatInt(tried.Add(-5*time.Minute).UnixMilli(), 10)
	}
	found, err := d.n.tenant.client.Search(ctx, query+" ORDER BY created DESC, key DESC", []string{"summary"})
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(found, func(t *jsm.Ticket) bool { return t.Status.Category != "done" && ofNotice(t, token) })
	if i < 0 {
		return nil, nil
	}
	return found[i], nil
}

// ofNotice reports whether a ticket bears a trouble's token.
func ofNotice(t *jsm.Ticket, token string) bool {
	var m noticeMark
	var summary string
	return json.Unmarshal(t.Marks[jsm.MarkKey], &m) == nil && m.Token == token ||
		json.Unmarshal(t.Fields["summary"], &summary) == nil && strings.Contains(summary, noticeSign(token))
}

func noticeSign(token string) string { return "[" + exchange.NoticeWord + " " + token + "]" }

// comment adds a message as an internal comment, once: not where a comment, or
// the ticket itself, came of it.
func (d *noticeDesk) comment(ctx context.Context, t *jsm.Ticket, m notify.Message) error {
	told := func(property json.RawMessage) bool {
		var mark noticeMark
		return json.Unmarshal(property, &mark) == nil && mark.Message == m.ID
	}
	if told(t.Marks[jsm.MarkKey]) {
		return nil
	}
	there, err := d.n.tenant.client.Comments(ctx, t.ID)
	if err != nil {
		return err
	}
	for _, c := range there {
		if told(c.Mark) {
			return nil
		}
	}
	mark, err := json.Marshal(noticeMark{Message: m.ID})
	if err != nil {
		return err
	}
	text := m.Text(d.c.Quiet.Zone)
	if !m.Items[0].Over.IsZero() {
		text += "\nparley closes no ticket: close this one when nothing is left to do."
	}
	_, err = d.n.tenant.client.AddComment(ctx, t.ID, jsm.NewComment{Body: jsm.Rich(adf.Text(text).JSON()), Mark: mark})
	if jsm.MaybeApplied(err) {
		return &notify.Busy{After: d.n.conf.Settle.Comment, Err: err}
	}
	return err
}

// create opens a ticket. What the portal does not take is added by an edit, and
// lost without harm where the desk does not allow it.
func (d *noticeDesk) create(ctx context.Context, token string, m notify.Message) (string, error) {
	request, err := d.request(ctx, token, m)
	if err != nil {
		return "", err
	}
	if err := d.note(token, time.Now()); err != nil {
		return "", err
	}
	id, _, err := d.n.tenant.client.CreateRequest(ctx, request)
	if jsm.MaybeApplied(err) {
		return "", &notify.Busy{After: d.n.conf.Settle.Create, Err: err}
	}
	if err != nil {
		return "", errors.Join(fmt.Errorf("opening a ticket: %w", err), d.note(token, time.Time{}))
	}
	d.finish(ctx, id, token, m)
	return id, d.note(token, time.Time{})
}

// finish adds what the portal does not take.
func (d *noticeDesk) finish(ctx context.Context, id, token string, m notify.Message) {
	mark, err := json.Marshal(noticeMark{token, m.ID})
	edit := jsm.Edit{Add: map[string][]jsm.Value{"labels": {exchange.NoticeWord}}, Mark: mark}
	if err == nil {
		_, err = d.n.tenant.client.Edit(ctx, id, edit)
	}
	if f, ok := errors.AsType[*jsm.FieldErrors](err); ok && edit.Drop(f.Fields) {
		_, err = d.n.tenant.client.Edit(ctx, id, edit)
	}
	if err != nil {
		d.n.log.Warn("a notice's ticket was made without its label or mark", "ticket", id, "err", err)
	}
}

// request words a ticket for the portal's form.
func (d *noticeDesk) request(ctx context.Context, token string, m notify.Message) (r jsm.NewRequest, err error) {
	s, err := d.n.tenant.schema(ctx, d.c.Project, schemaAge)
	if err != nil {
		return r, err
	}
	i := slices.IndexFunc(s.RequestTypes, func(t jsm.RequestType) bool { return t.Name == d.c.RequestType })
	if i < 0 {
		return r, fmt.Errorf("project %s has no request type %q that this account sees", d.c.Project, d.c.RequestType)
	}
	form := s.RequestTypes[i]
	title := []rune("parley: " + m.Items[0].Title)
	sign := " " + noticeSign(token)
	r = jsm.NewRequest{ServiceDesk: s.Desk, RequestType: form.ID, Fields: map[string]jsm.Value{
		"summary": string(title[:min(len(title), maxSummary-len(sign))]) + sign,
	}}
	if slices.ContainsFunc(form.Fields, func(f jsm.FormField) bool { return f.ID == "description" }) {
		text := m.Text(d.c.Quiet.Zone) + "\nLater news of this come as internal comments. parley never closes the ticket."
		r.Fields["description"] = jsm.Rich(adf.Text(text).JSON())
	}
	return r, nil
}

const maxSummary = 255 // characters that Jira takes (facts: limits)
