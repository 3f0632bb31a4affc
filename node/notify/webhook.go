package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"parley/conf"
)

// Webhook posts messages to an address. Its body is, by Shape:
//
//	json   {"id","node","at","text","notices":[{"key","class","severity","state":"new|more|over",
//	       "title","lines":[…],"more","next","since","over"}]}; "text" is what a chat shows
//	slack  {"text"}
//	teams  a message with an Adaptive Card, as Teams' workflows take it
//
// Every post bears the message's id as Parley-Delivery, the same in every try.
// Where there is a secret, Parley-Signature: t=UNIX,v1=HEX is the HMAC-SHA256
// of "UNIX.BODY" under it: the receiver computes it over the raw bytes and
// refuses what is older than it likes.
type Webhook struct {
	Node   string
	Shape  string
	Zone   *time.Location
	URL    func(context.Context) (string, error) // asked for every try
	Secret func(context.Context) (string, error) // nil: unsigned
	Client *http.Client                          // its Transport is used; nil: the usual one
}

// maxAnswer is how much of an answer is read, so that the connection can be used again.
const maxAnswer = 64 << 10

// Send posts a message. Any 2xx is delivery.
func (w *Webhook) Send(ctx context.Context, m Message) (string, error) {
	address, err := w.URL(ctx)
	if err != nil {
		return "", err
	}
	if why := conf.BadHook(address); why != "" {
		return "", errors.New("the webhook's address " + why)
	}
	body, err := w.body(m)
	if err != nil {
		return "", fmt.Errorf("wording a message: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return "", errors.New("the webhook's address cannot be used")
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "parley")
	r.Header.Set("Parley-Delivery", m.ID)
	if w.Secret != nil {
		secret, err := w.Secret(ctx)
		if err != nil {
			return "", err
		}
		r.Header.Set("Parley-Signature", Sign(secret, time.Now(), body))
	}
	return "", w.post(r)
}

// Sign makes the signature of a body: see Webhook.
func Sign(secret string, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(t + "."))
	mac.Write(body)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

func (w *Webhook) post(r *http.Request) error {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if w.Client != nil {
		client.Transport = w.Client.Transport
	}
	a, err := client.Do(r)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // without the address
		}
		return fmt.Errorf("posting to %s: %w", r.URL.Host, err)
	}
	defer a.Body.Close()
	io.Copy(io.Discard, io.LimitReader(a.Body, maxAnswer)) // what it says is not shown: it may repeat a secret
	if a.StatusCode/100 == 2 {
		return nil
	}
	return &Busy{retryAfter(a.Header.Get("Retry-After")), fmt.Errorf("%s answered %d %s", r.URL.Host, a.StatusCode, http.StatusText(a.StatusCode))}
}

// retryAfter reads seconds or a date (RFC 9110, section 10.2.3); 0 where there is neither.
func retryAfter(s string) time.Duration {
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}

func (w *Webhook) body(m Message) ([]byte, error) {
	subject, text := m.Subject(w.Node), m.Text(w.Zone)
	switch w.Shape {
	case "slack":
		// Slack's three escapes, without which text could ping a channel.
		plain := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(subject + "\n" + text)
		return json.Marshal(map[string]string{"text": plain})
	case "teams":
		return json.Marshal(card(subject, text))
	}
	type notice struct {
		Key      string     `json:"key"`
		Class    string     `json:"class"`
		Severity Severity   `json:"severity"`
		State    string     `json:"state"`
		Title    string     `json:"title"`
		Lines    []string   `json:"lines"`
		More     int        `json:"more"`
		Next     string     `json:"next"`
		Since    time.Time  `json:"since"`
		Over     *time.Time `json:"over,omitempty"`
	}
	all := make([]notice, 0, len(m.Items))
	for _, it := range m.Items {
		one := notice{it.Key, it.Class, it.Severity, "new", it.Title, []string{}, it.More, it.Next, it.Since, nil}
		for _, l := range it.Lines {
			one.Lines = append(one.Lines, l.Text)
		}
		switch {
		case !it.Over.IsZero():
			one.State, one.Over = "over", &it.Over
		case it.Again:
			one.State = "more"
		}
		all = append(all, one)
	}
	return json.Marshal(map[string]any{"id": m.ID, "node": w.Node, "at": m.Made, "text": subject + "\n" + text, "notices": all})
}

// card is an Adaptive Card of text runs, which know no markup: nothing in them
// becomes a link or a mention (adaptivecards.io, RichTextBlock).
func card(subject, text string) map[string]any {
	block := func(line, weight string) map[string]any {
		return map[string]any{"type": "RichTextBlock", "inlines": []any{map[string]any{"type": "TextRun", "text": line, "weight": weight}}}
	}
	body := []any{block(subject, "Bolder")}
	for line := range strings.SplitSeq(text, "\n") {
		if line != "" {
			body = append(body, block(line, "Default"))
		}
	}
	return map[string]any{"type": "message", "attachments": []any{map[string]any{
		"contentType": "application/vnd.microsoft.card.adaptive",
		"content": map[string]any{
			"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4", "body": body,
		},
	}}}
}
