package jsm

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Upload is a file to attach. Open gives it from its first byte, as often as the call must be made.
type Upload struct {
	Name   string // made harmless by FileName
	Size   int64  // bytes, exactly
	MIME   string // empty: application/octet-stream
	SHA256 *[sha256.Size]byte
	Open   func() (io.ReadCloser, error)

	Say  string          // of AttachPublic: a line that stands in the comment above the file; empty: none
	Mark json.RawMessage // of AttachPublic: our property for the comment that Jira makes; nil: none
}

// Uploaded is a file that was attached.
type Uploaded struct {
	Attachment Attachment
	SHA256     [sha256.Size]byte // of what was sent
	Echo       *Comment          // the comment that Jira made of it, which is nobody's words; only its id and visibility. nil: none
}

// UnmarkedEcho is a file that is attached, and whose comment could not be given its mark: SetCommentMark may try again.
type UnmarkedEcho struct {
	Comment string
	Err     error
}

func (e *UnmarkedEcho) Error() string {
	return fmt.Sprintf("marking comment %s of an attachment: %v", clip(e.Comment, 40), e.Err)
}

func (e *UnmarkedEcho) Unwrap() error { return e.Err }

// HiddenUpload is a file that was to be public, is attached, and is not proved to be public. It stays, internal.
type HiddenUpload struct{ Attachment string }

func (e *HiddenUpload) Error() string {
	return fmt.Sprintf("jira: attachment %s was meant to be public and is not (it stays, internal)", clip(e.Attachment, 40))
}

// FileName makes a name that came from elsewhere harmless: no path, no control or direction characters, no name of a
// directory, at most 255 bytes with its extension kept.
func FileName(name string) string {
	name = strings.ToValidUTF8(name, "")
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) { // Cf: what is not seen, as RTL overrides
			return -1
		}
		return r
	}, name)
	name = strings.TrimSpace(name)
	if strings.Trim(name, ". ") == "" {
		return "file"
	}
	if len(name) <= maxFileName {
		return name
	}
	ext := path.Ext(name)
	if len(ext) > maxFileName/4 {
		ext = ""
	}
	stem := name[:maxFileName-len(ext)]
	for !utf8.ValidString(stem) {
		stem = stem[:len(stem)-1]
	}
	return stem + ext
}

// unmarked is a line without what Jira's wiki markup gives a meaning, since the desk reads it so: no link, macro or
// picture comes of anybody's name. A hyphen stays within a word, where it means itself.
func unmarked(line string) string {
	var out []rune
	runes := []rune(strings.ToValidUTF8(line, ""))
	word := func(i int) bool {
		return i >= 0 && i < len(runes) && (unicode.IsLetter(runes[i]) || unicode.IsDigit(runes[i]))
	}
	for i, r := range runes {
		switch {
		case unicode.Is(unicode.Cf, r):
			continue
		case unicode.IsControl(r), strings.ContainsRune("\\*+^~{}[]!|?#<>/`", r), strings.ContainsRune("-_", r) && !(word(i-1) && word(i+1)):
			r = ' '
		}
		out = append(out, r)
	}
	return strings.Join(strings.Fields(string(out)), " ")
}

func (u Upload) check() (Upload, error) {
	switch {
	case u.Open == nil || u.Size < 0:
		return u, errors.New("attaching a file: it cannot be opened, or its size is not known")
	case u.Mark != nil:
		if err := checkMark(u.Mark); err != nil {
			return u, err
		}
	}
	u.Name = FileName(u.Name)
	return u, nil
}

// AttachInternal attaches a file for agents to see: it is not in the portal until a public comment refers to it
// (JSDCLOUD-13030). The file is streamed and hashed on the way. An attachment can carry no mark, so after an error
// with Applied Maybe FindUpload comes first. 1 point.
// Errors: ErrSource (nothing is attached), *APIError; its status is 413 for a file that is too large or one too many.
func (c *Client) AttachInternal(ctx context.Context, issue string, u Upload) (Uploaded, error) {
	const op = "POST issue/attachments"
	u, err := u.check()
	if err != nil {
		return Uploaded{}, err
	}
	f, err := newForm(u)
	if err != nil {
		return Uploaded{}, err
	}
	var out []attachmentJSON
	status, err := c.do(ctx, call{
		op: op, method: http.MethodPost, path: rest("issue", issue, "attachments"), issue: issue, file: f, out: &out,
	})
	if err != nil {
		return Uploaded{}, err
	}
	if len(out) != 1 {
		return Uploaded{}, unusable(op, status, true, Transient, fmt.Sprintf("%d attachments were made of one", len(out)))
	}
	return f.uploaded(op, status, &out[0])
}

// uploaded sees that what Jira says it has is what was sent.
func (f *form) uploaded(op string, status int, j *attachmentJSON) (Uploaded, error) {
	a, err := j.attachment()
	if err != nil {
		return Uploaded{}, unusable(op, status, true, Transient, err.Error())
	}
	sum, whole := f.sum()
	if !whole || a.Size != f.upload.Size {
		return Uploaded{Attachment: a}, unusable(op, status, true, Transient, fmt.Sprintf("attachment %s has %d bytes of %d", a.ID, a.Size, f.upload.Size))
	}
	return Uploaded{Attachment: a, SHA256: sum}, nil
}

// AttachPublic attaches a file for the customer to see. Jira does that in two steps: the file is given to the desk for
// about an hour, then attached to the request, which always makes a public comment that shows it. That
// comment is Echo, and it is given Mark right after, so that no later read takes it for a person's. 3 points, 2 without Mark.
//
// After an error with Applied Maybe FindUpload comes first. Errors: ErrSource, *HiddenUpload and *UnmarkedEcho (the
// file is attached), *APIError.
func (c *Client) AttachPublic(ctx context.Context, issue, deskID string, u Upload) (Uploaded, error) {
	u, err := u.check()
	if err != nil {
		return Uploaded{}, err
	}
	f, err := newForm(u)
	if err != nil {
		return Uploaded{}, err
	}
	temporary, err := c.giveToDesk(ctx, deskID, f)
	if err != nil {
		return Uploaded{}, err
	}
	up, err := c.attachGiven(ctx, issue, temporary, f)
	if err != nil {
		return up, err
	}
	if u.Mark != nil && up.Echo != nil {
		if err := c.SetCommentMark(ctx, issue, up.Echo.ID, u.Mark); err != nil {
			return up, &UnmarkedEcho{up.Echo.ID, err}
		}
	}
	return up, nil
}

// giveToDesk is the first step. What it leaves behind is on no ticket and goes away by itself, so it counts as nothing.
func (c *Client) giveToDesk(ctx context.Context, deskID string, f *form) (string, error) {
	const op = "POST attachTemporaryFile"
	var out struct {
		Files []struct {
			ID string `json:"temporaryAttachmentId"`
		} `json:"temporaryAttachments"`
	}
	status, err := c.do(ctx, call{
		op: op, method: http.MethodPost, path: desk("servicedesk", deskID, "attachTemporaryFile"), file: f, out: &out,
		header: http.Header{"X-Experimentalapi": {"opt-in"}}, // older versions refuse the call without
	})
	if err == nil && (len(out.Files) != 1 || out.Files[0].ID == "") {
		err = unusable(op, status, true, Transient, fmt.Sprintf("%d temporary files were made of one", len(out.Files)))
	}
	if err == nil {
		if _, whole := f.sum(); whole {
			return out.Files[0].ID, nil
		}
		err = unusable(op, status, true, Transient, "answered before the whole file was there")
	}
	var e *APIError
	if !errors.As(err, &e) {
		return "", err
	}
	own := *e
	own.Applied = No
	return "", &own
}

func (c *Client) attachGiven(ctx context.Context, issue, temporary string, f *form) (Uploaded, error) {
	const op = "POST request/attachment"
	body := map[string]any{"temporaryAttachmentIds": []string{temporary}, "public": true}
	if f.upload.Say != "" {
		body["additionalComment"] = map[string]any{"body": unmarked(f.upload.Say)}
	}
	var out struct {
		Comment     *deskComment             `json:"comment"`
		Attachments deskPage[deskAttachment] `json:"attachments"`
	}
	status, err := c.do(ctx, call{op: op, method: http.MethodPost, path: desk("request", issue, "attachment"), issue: issue, body: body, out: &out})
	if err != nil {
		return Uploaded{}, err
	}
	if len(out.Attachments.Values) != 1 {
		return Uploaded{}, unusable(op, status, true, Transient, fmt.Sprintf("%d attachments were made of one", len(out.Attachments.Values)))
	}
	d := &out.Attachments.Values[0]
	up, err := f.uploaded(op, status, &attachmentJSON{
		ID: looseID(d.id()), Name: d.Name, Size: d.Size, MIME: d.MIME, Author: d.Author, Created: moment{d.Created.time()},
	})
	if err != nil {
		return up, err
	}
	cm := out.Comment
	if cm == nil || cm.ID == "" {
		return up, &HiddenUpload{up.Attachment.ID}
	}
	up.Echo = &Comment{
		ID: string(cm.ID), Author: up.Attachment.Author, Created: cm.Created.time(),
		Public: cm.Public != nil && *cm.Public, VisibilityKnown: cm.Public != nil, Mark: f.upload.Mark,
	}
	if !up.Echo.Customer() {
		return up, &HiddenUpload{up.Attachment.ID}
	}
	up.Attachment.Shown, up.Attachment.Comment = ByComment, up.Echo.ID
	return up, nil
}
