package sim

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
)

// Attach puts a file at a ticket and gives its id: for people with a licence on the platform, where the portal
// does not show it; for others by the portal, with the comment that comes with it.
func (p Person) Attach(key, name string, content io.Reader) (string, error) {
	if p.me == nil {
		return "", fmt.Errorf("%w: no such person", ErrDeed)
	}
	if !p.me.licensed() {
		return p.AttachBy(key, name, content, "", true)
	}
	f, err := p.t.uploaded(name, content)
	if err != nil {
		return "", err
	}
	status, b := p.t.actFiles(p.me, http.MethodPost, at2(key, "/attachments"), nil, f)
	if status != http.StatusOK {
		return "", fmt.Errorf("%w: %s", ErrDeed, complaint(status, b))
	}
	return textAt(listAt(b, "values")[0], "id"), nil
}

// AttachBy attaches as the portal does: by a temporary file and a comment, which is public or internal. It gives the attachment's id.
func (p Person) AttachBy(key, name string, content io.Reader, words string, public bool) (string, error) {
	if p.me == nil {
		return "", fmt.Errorf("%w: no such person", ErrDeed)
	}
	f, err := p.t.uploaded(name, content)
	if err != nil {
		return "", err
	}
	desk := "/rest/servicedeskapi/servicedesk/" + p.t.Project() + "/attachTemporaryFile"
	status, b := p.t.actFiles(p.me, http.MethodPost, desk, nil, f)
	if status != http.StatusCreated {
		return "", fmt.Errorf("%w: %s", ErrDeed, complaint(status, b))
	}
	_, err = p.do(http.MethodPost, atDesk(key, "/attachment"), obj{"public": public, "additionalComment": obj{"body": words},
		"temporaryAttachmentIds": []string{textAt(listAt(b, "temporaryAttachments")[0], "temporaryAttachmentId")}})
	if err != nil {
		return "", err
	}
	is, _ := p.t.Issue(key)
	return is.Files[len(is.Files)-1].ID, nil
}

// Detach deletes an attachment.
func (p Person) Detach(id string) error {
	_, err := p.do(http.MethodDelete, "/rest/api/2/attachment/"+id, nil)
	return err
}

// uploaded spools a file that a person brings.
func (t *Tenant) uploaded(name string, content io.Reader) (upload, error) {
	b, err := t.spool.keep(content, t.uploadLimit)
	if err != nil {
		return upload{}, fmt.Errorf("%w: taking %s: %w", ErrDeed, name, err)
	}
	name = cleanName(name)
	return upload{name, mimeOf(name, ""), b}, nil
}

// OpenFile reads the content of an attachment, without permissions.
func (t *Tenant) OpenFile(id string) (io.ReadSeeker, bool) {
	defer t.enter()()
	is := t.issues.byID[t.issues.files[number(id)]]
	if is == nil {
		return nil, false
	}
	return is.attachment(number(id)).content.reader(), true
}

// Noise is content for big files: size bytes that follow from seed, made as they are read, that no compression shrinks.
func Noise(seed uint64, size int64) io.Reader {
	var key [32]byte
	binary.BigEndian.PutUint64(key[:], seed)
	return io.LimitReader(rand.NewChaCha8(key), size)
}
