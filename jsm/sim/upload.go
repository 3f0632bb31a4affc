package sim

import (
	"cmp"
	"errors"
	"io"
	"mime"
	"net/http"
	"path"
	"strings"
	"unicode/utf8"
)

const (
	maxFiles    = 60  // of one upload, as Cloud has it
	maxFileName = 255 // characters
)

// An upload is one file of a multipart request, already spooled.
type upload struct {
	name, mime string
	content    *blob
}

// An intake is what was read of a request before the tenant's lock was taken: a JSON body or files.
type intake struct {
	body    []byte
	files   []upload
	refusal *answer // why the body could not be taken; told after the credentials were judged
}

func refused(a answer) intake { return intake{refusal: &a} }

// takeIn reads a request's body. Files go straight to the spool, so that no upload costs memory.
func (t *Tenant) takeIn(w http.ResponseWriter, r *http.Request) intake {
	plain, _ := ungate(r)
	ep, _, _ := t.router.find(r.Method, plain.URL.EscapedPath())
	if ep != nil && ep.upload {
		return t.takeFiles(r)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		return intake{body: body}
	}
	status := http.StatusBadRequest
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		status = http.StatusRequestEntityTooLarge
	}
	return refused(refuse(status, "The request body cannot be read."))
}

// takeFiles reads the parts named file. Jira takes them only with a header that no foreign page's form can send.
func (t *Tenant) takeFiles(r *http.Request) intake {
	if token := r.Header.Get("X-Atlassian-Token"); token != "no-check" && token != "nocheck" {
		a := answer{status: http.StatusForbidden, raw: []byte("XSRF check failed")}
		return refused(a.with("Content-Type", "text/plain;charset=UTF-8"))
	}
	no := func(status int, why string) answer {
		if strings.Contains(r.URL.Path, "/servicedeskapi/") {
			return refuseDesk(status, "sd.rest.attachment.invalid", why)
		}
		return refuse(status, why)
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return refused(no(http.StatusUnsupportedMediaType, "Unsupported Media Type"))
	}
	var in intake
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return refused(no(http.StatusBadRequest, "The multipart body cannot be read."))
		}
		if part.FormName() != "file" {
			continue
		}
		if len(in.files) == maxFiles {
			return refused(no(http.StatusRequestEntityTooLarge, "The maximum number of files of one request is 60."))
		}
		content, err := t.spool.keep(part, t.uploadLimit)
		if errors.Is(err, errTooLarge) {
			return refused(no(http.StatusRequestEntityTooLarge, "The file is too large: the limit is "+text(t.uploadLimit)+" bytes."))
		}
		if err != nil {
			return refused(no(http.StatusBadRequest, "The multipart body cannot be read."))
		}
		name := cleanName(part.FileName())
		in.files = append(in.files, upload{name, mimeOf(name, part.Header.Get("Content-Type")), content})
	}
	if len(in.files) == 0 {
		return refused(no(http.StatusBadRequest, "There is no part named 'file'."))
	}
	return in
}

// cleanName is a file's name without its folders and without control characters.
func cleanName(s string) string {
	s = path.Base(strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), `\`, "/"))
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
	if s == "" || s == "." || s == ".." || s == "/" {
		return "unnamed"
	}
	if utf8.RuneCountInString(s) > maxFileName {
		s = string([]rune(s)[:maxFileName])
	}
	return s
}

// mimeTypes are those that the tenant knows by a name's ending; the machine's own table would differ from place to place.
var mimeTypes = map[string]string{
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp", ".svg": "image/svg+xml",
	".txt": "text/plain", ".log": "text/plain", ".csv": "text/csv", ".html": "text/html", ".json": "application/json", ".xml": "application/xml",
	".pdf": "application/pdf", ".zip": "application/zip", ".gz": "application/gzip",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

// mimeOf is what the sender says, else what the name's ending says.
func mimeOf(name, said string) string {
	kind, _, err := mime.ParseMediaType(said)
	if err == nil && kind != "application/octet-stream" {
		return kind
	}
	return cmp.Or(mimeTypes[strings.ToLower(path.Ext(name))], "application/octet-stream")
}

// pictured tells which files Jira makes thumbnails of.
func pictured(kind string) bool {
	switch kind {
	case "image/png", "image/jpeg", "image/gif", "image/webp":
		return true
	}
	return false
}
