package replica

import "unicode/utf8"

// Attachment is a file of a ticket, without its bytes: those are asked for by hash and size on a stream of their own.
// A file's content never changes, so neither does its item, but for who may see it.
type Attachment struct {
	Name    string // as the sender's Jira has it: it may hold anything, several may have the same. At most 1 KiB
	MIME    string // what the uploader said, at most 1 KiB
	Size    int64  // bytes
	Hash    Hash   // SHA-256 of the bytes
	Public  bool   // the sender's customer surely sees it
	Author  Person
	Created Time
}

// Kind is KindAttachment.
func (Attachment) Kind() Kind { return KindAttachment }

const maxBlob = 1 << 40 // bytes: a terabyte, 500 times what Jira takes

func (a Attachment) encode(s *sink) {
	n := 4 + present(a.MIME)
	if a.Public {
		n++
	}
	if a.Size != 0 {
		n++
	}
	s.mapLen(n)
	s.ascii("author")
	a.Author.encode(s)
	s.ascii("created")
	s.int(int64(a.Created))
	s.ascii("hash")
	s.bin(a.Hash[:])
	s.field(field{"mime", a.MIME})
	s.ascii("name")
	s.str(a.Name)
	if a.Public {
		s.ascii("public")
		s.bool(true)
	}
	if a.Size != 0 {
		s.ascii("size")
		s.int(a.Size)
	}
}

func (s *source) attachment() (a Attachment) {
	seen := 0
	s.keys(7, func(key string) bool {
		switch key {
		case "author":
			a.Author, seen = s.person(), seen+1
		case "created":
			a.Created, seen = Time(s.int()), seen+1
		case "hash":
			s.bin(a.Hash[:])
			seen++
		case "mime":
			a.MIME = s.full(maxName)
		case "name":
			a.Name, seen = s.full(maxName), seen+1
		case "public":
			if a.Public = s.bool(); !a.Public {
				s.fail("public is false, which is left out")
			}
		case "size":
			if a.Size = s.int(); a.Size <= 0 || a.Size > maxBlob {
				s.fail("size out of bounds")
			}
		default:
			return false
		}
		return true
	})
	if seen != 4 {
		s.fail("attachment without author, created, hash or name")
	}
	return a
}

// Fit shortens a name or a MIME type to what an item may hold, at a whole character.
func Fit(name string) string {
	if len(name) <= maxName {
		return name
	}
	for name = name[:maxName]; !utf8.ValidString(name); name = name[:len(name)-1] {
	}
	return name
}
