package jsm

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// maxTries is how often a safe request is sent at most (Atlassian's advice is 4 [D]).
const maxTries = 4

// call is one request to Jira.
type call struct {
	op      string     // method and endpoint; the counter's and the pacer's key
	method  string     //
	path    []string   // segments below the base; each is escaped
	query   url.Values //
	body    any        // marshalled to JSON; nil: none
	header  http.Header
	file    *form      // a file that is streamed as the body; nil: none
	content *taken     // takes an answer that is the content of a file; nil: there is none
	out     any        // where the answer goes; nil: the answer is not read
	issue   string     // the ticket that a write touches, for Jira's per-issue limit
	read    bool       // changes nothing, though its method is POST
	aside   bool       // asks a product beside Jira: its refusal says nothing of the tenant
	objects func() int // points beyond the first, counted from the decoded answer; nil: none
	most    int        // points at most; 0: not known before

	load     Load // for whom it is made
	reserved int  // points set aside for it while it is under way
}

func (k *call) changes() bool { return k.method != http.MethodGet && !k.read }

// rest is the path of a platform call; desk one of a service desk call.
func rest(segments ...string) []string { return append([]string{"rest", "api", "3"}, segments...) }
func desk(segments ...string) []string {
	return append([]string{"rest", "servicedeskapi"}, segments...)
}

// do sends the call, repeating it only where that is safe: the failure is transient and the request
// certainly had no effect. It returns the HTTP status of the last answer.
func (c *Client) do(ctx context.Context, k call) (int, error) {
	address, err := c.address(&k)
	if err != nil {
		return 0, err
	}
	var body []byte
	if k.body != nil {
		if body, err = json.Marshal(k.body); err != nil {
			return 0, fmt.Errorf("encoding %s: %w", k.op, err)
		}
	}
	if k.load = loadOf(ctx); k.op == opMyself {
		k.load.Backfill = false // it decides for everybody
	}
	wait := &backoff.ExponentialBackOff{InitialInterval: 500 * time.Millisecond, Multiplier: 2, MaxInterval: 8 * time.Second}
	for try := 1; ; try++ {
		if e := c.admit(ctx, &k); e != nil {
			return e.Status, e
		}
		began := time.Now()
		status, e := c.attempt(ctx, &k, address, body)
		if e != nil && k.aside && e.Class == Tenant {
			e.Class, e.Trouble = Definite, ""
		}
		if e != nil {
			e = c.doubt(ctx, &k, e, began)
		}
		c.gov.settle(&k, e, ctx.Err() != nil)
		if e == nil {
			return status, nil
		}
		pause := max(jitter(wait.NextBackOff()), e.RetryAfter)
		safe := e.Class == Transient && e.Applied == No && e.Status != http.StatusConflict // after a conflict the caller reads first
		if !safe || try == maxTries || pause > c.maxWait || ctx.Err() != nil || c.Standing().State != Up {
			return status, e
		}
		c.log.Debug("jira asked again: "+k.op, "took", pause)
		if err := sleep(ctx, pause); err != nil {
			return status, e
		}
	}
}

// admit waits for the call's turn. Where it falls to this caller, it first sees whether the tenant is well again.
func (c *Client) admit(ctx context.Context, k *call) *APIError {
	for {
		ask, e := c.gov.admit(ctx, k)
		if !ask {
			return e
		}
		if err := c.ask(ctx); err != nil && ctx.Err() != nil {
			return unsent(k, ctx.Err())
		}
	}
}

// jitter spreads a pause over 0.7 to 1.3 of it (Atlassian's advice [D]). The randomness is crypto/rand's, which
// a simulation can make repeatable.
func jitter(d time.Duration) time.Duration {
	var b [1]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	return time.Duration(float64(d) * (0.7 + 0.6*float64(b[0])/255))
}

// address builds the URL from the base and the segments. An empty or dot segment would address
// something else than meant.
func (c *Client) address(k *call) (string, error) {
	var b strings.Builder
	b.WriteString(c.base)
	for _, seg := range k.path {
		if seg == "" || seg == "." || seg == ".." || len(seg) > 255 {
			why := fmt.Sprintf("%q cannot be part of an address", clip(seg, 40))
			return "", &APIError{Op: k.op, Class: Definite, Applied: No, Messages: []string{why}}
		}
		b.WriteString("/" + url.PathEscape(seg))
	}
	if len(k.query) > 0 {
		b.WriteString("?" + k.query.Encode())
	}
	return b.String(), nil
}

// send sends the request once with this token and decodes the answer.
func (c *Client) send(ctx context.Context, k *call, address string, body []byte, token string) (int, *APIError) {
	ctx, cancel := k.within(ctx, c.timeout)
	defer cancel()
	var conn connTrace
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, conn.hooks()), k.method, address, bytes.NewReader(body))
	if err != nil {
		return 0, &APIError{Op: k.op, Class: Definite, Applied: No, Messages: []string{"the address cannot be built"}}
	}
	if body == nil {
		req.Body, req.GetBody = nil, nil
	} else {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.agent)
	maps.Copy(req.Header, k.header)
	if err := k.file.attach(req); err != nil {
		return 0, &APIError{Op: k.op, Class: Definite, Applied: No, Err: err, Unsent: true}
	}
	authorize(req, c.auth.User, token)

	start := time.Now()
	resp, err := c.http.Do(req)
	if err != nil {
		c.calls.add(k.op, 1)
		e := k.file.blame(lost(k, err, conn.neverSent()))
		c.gov.heard(k, 1, nil, e)
		return 0, e
	}
	k.content.take(resp)
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, c.maxBody+1))
	status, e := c.judge(k, resp, answer, err)
	points := 1
	if e == nil && k.objects != nil {
		points += k.objects()
	}
	c.calls.add(k.op, points)
	c.gov.heard(k, points, resp.Header, e)
	c.log.Debug("jira: "+k.op, "took", time.Since(start))
	if e != nil {
		hide(e, token, c.auth.User)
	}
	return status, e
}

// judge turns an answer into a decoded value or an error.
func (c *Client) judge(k *call, resp *http.Response, body []byte, readErr error) (int, *APIError) {
	status := resp.StatusCode
	unfit := func(class Class, t Trouble, why string) (int, *APIError) {
		e := unusable(k.op, status, k.changes(), class, why)
		e.Trouble = t
		return status, e
	}
	switch {
	case status/100 != 2:
		if int64(len(body)) > c.maxBody {
			body = nil
		}
		return status, refused(k.op, status, resp.Header, body, k.changes(), time.Now())
	case readErr != nil:
		e := lost(k, readErr, false)
		e.Status = status
		return status, e
	case int64(len(body)) > c.maxBody:
		return unfit(Definite, "", fmt.Sprintf("an answer of more than %d bytes", c.maxBody))
	case stranger(resp.Header):
		return unfit(Tenant, TroubleToken, "Jira answers as to a stranger: it does not believe the credential")
	case isHTML(resp.Header, body):
		return unfit(Tenant, TroublePage, "an HTML page instead of JSON: a login page or a proxy answers in the tenant's place")
	case k.out == nil || status == http.StatusNoContent || len(body) == 0 && status == http.StatusCreated:
		return status, nil
	case len(bytes.TrimSpace(body)) == 0:
		return unfit(Transient, TroubleEmpty, "an answer without content")
	}
	if err := json.Unmarshal(body, k.out); err != nil {
		class, trouble := Transient, TroubleCut // cut short on the way, or garbled; after a write the caller looks what happened
		if _, wrong := errors.AsType[*json.UnmarshalTypeError](err); wrong {
			trouble = TroubleShape
			if !k.changes() {
				class = Definite
			}
		}
		return unfit(class, trouble, "an answer that is not the JSON Jira describes: "+shape(err))
	}
	return status, nil
}

// shape tells what is wrong with an answer's JSON without quoting its text.
func shape(err error) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fmt.Sprintf("%s where %s was expected (%s)", clip(wrong.Value, 20), wrong.Type, clip(wrong.Field, 80))
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Sprintf("broken at byte %d", syntax.Offset)
	}
	return clip(err.Error(), maxMessage)
}

func authorize(req *http.Request, user, token string) {
	if user == "" {
		req.Header.Set("Authorization", "Bearer "+token)
		return
	}
	req.SetBasicAuth(user, token)
}

// hide takes the credential out of sentences that a tenant or proxy echoed back.
func hide(e *APIError, token, user string) {
	if token == "" {
		return
	}
	r := strings.NewReplacer(token, "[token]", base64.StdEncoding.EncodeToString([]byte(user+":"+token)), "[token]")
	for i := range e.Messages {
		e.Messages[i] = r.Replace(e.Messages[i])
	}
	for id := range e.Fields {
		e.Fields[id] = r.Replace(e.Fields[id])
	}
	e.Reason, e.Trace = r.Replace(e.Reason), r.Replace(e.Trace)
}

// lost is the error of a request without a whole answer.
func lost(k *call, err error, neverSent bool) *APIError {
	var u *url.Error
	if errors.As(err, &u) {
		err = withoutAddress(u.Err) // the rest of url.Error is the address, and its query may name people
	}
	e := &APIError{Op: k.op, Class: Transient, Applied: No, Err: err}
	if k.changes() && !neverSent && !neverConnected(err) {
		e.Applied = Maybe
	}
	switch {
	case badCertificate(err):
		e.Class, e.Trouble = Tenant, TroubleCertificate
	case neverSent || neverConnected(err):
		e.Trouble = TroubleUnreachable
	case errors.Is(err, io.ErrUnexpectedEOF):
		e.Trouble = TroubleCut
	default:
		e.Trouble = TroubleSilent
	}
	return e
}

// neverConnected recognizes failures that come before the first byte: DNS and dialling.
func neverConnected(err error) bool {
	var dns *net.DNSError
	var op *net.OpError
	return errors.As(err, &dns) || errors.As(err, &op) && op.Op == "dial"
}

func badCertificate(err error) bool {
	var cert *tls.CertificateVerificationError
	return errors.As(err, &cert)
}

// connTrace knows whether a connection was ever had. Round trippers that do not report it (tests,
// proxies of our own) leave both false, which reads as "may have been sent".
type connTrace struct{ asked, got atomic.Bool }

func (t *connTrace) hooks() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) { t.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { t.got.Store(true) },
	}
}

func (t *connTrace) neverSent() bool { return t.asked.Load() && !t.got.Load() }

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
