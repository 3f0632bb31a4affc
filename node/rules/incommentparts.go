package rules

import (
	"bytes"
	"fmt"
	"strings"

	"parley/jsm"
	"parley/replica"
	"parley/replica/adf"
)

// A comment of the peer's, as one comment here or as several numbered ones: Jira takes 32,767 characters.

// said plans a comment, new or edited; why says why it cannot be written.
func (p *planner) said(r *inComments, w CommentWrite, c replica.Comment, doc *adf.Doc) (writes []CommentWrite, why string) {
	addresses := r.e.Addresses.Value
	local, _ := p.in.twin(w.Path)
	twin := p.local(local)
	here := p.localRich(doc, addresses, w.Path, w.Public || twin != nil && twin.Public)
	bodies, parts := p.bodies(r, w.Path, c, here, "")
	writes, gone, why := p.follow(w, bodies)
	if why != "" || gone {
		if gone {
			p.judged(r, w.Path, Ours, "it was deleted here")
		}
		return nil, why
	}
	if len(writes) == 1 && parts != nil && writes[0].Op != DeleteComment {
		if writes[0].Parts, _, why = p.follow(w, parts); why != "" {
			writes[0].Parts = nil // it is whole, or not at all
		}
	}
	_, known := p.in.twin(w.Path)
	edits := r.e.Edits.Value
	switch {
	case len(writes) == 0:
		p.judged(r, w.Path, Same, "")
		return nil, ""
	case !known:
		p.judged(r, w.Path, Written, "new")
		return writes, ""
	case edits != "follow":
		// What was written before its pictures came is not edited by their coming.
		bare, _ := p.bodies(r, w.Path, c, p.withoutFiles(doc, addresses), "")
		if before, _, _ := p.follow(w, bare); len(before) == 0 {
			break
		}
		if edits == "ignore" {
			p.judged(r, w.Path, Skipped, `edits = "ignore"`)
			return nil, ""
		}
		bodies, _ = p.bodies(r, w.Path, c, here, " (edited)")
		return nil, p.noted(r, w, bodies)
	}
	p.judged(r, w.Path, Written, "edited")
	return writes, ""
}

// noted plans a further comment that says what an edited one says now.
func (p *planner) noted(r *inComments, w CommentWrite, bodies []*adf.Doc) (why string) {
	local, _ := p.in.twin(w.Path)
	w.Op, w.Public = NoteComment, w.Public && p.local(local).Public
	for i, doc := range bodies {
		if w.Body = jsm.Rich(doc.JSON()); p.unfit(w.Body) != "" {
			return p.unfit(w.Body)
		}
		w.Part = numbered(i, len(bodies))
		p.note(w)
	}
	p.judged(r, w.Path, Written, "edited: noted")
	return ""
}

// follow compares what a comment is to say with what its parts here say. gone: somebody deleted it here.
func (p *planner) follow(w CommentWrite, bodies []*adf.Doc) (writes []CommentWrite, gone bool, why string) {
	for i, doc := range bodies {
		part := w
		part.Part = numbered(i, len(bodies))
		local, known := p.in.twin(PartPath(w.Path, i+1))
		if known {
			now := p.local(local)
			switch {
			case now == nil && i == 0:
				return nil, true, ""
			case now == nil:
				continue
			}
			doc = p.retain(now.Body, doc)
			part.Op, part.LocalID, part.Public = EditComment, local, now.Public
			part.Body = jsm.Rich(doc.JSON())
			if i == 0 {
				w.Public = w.Public && now.Public
			}
			if bytes.Equal(canonical(now.Body), canonical(part.Body)) {
				continue
			}
		}
		part.Body = jsm.Rich(doc.JSON())
		if why := p.unfit(part.Body); why != "" {
			return nil, false, why
		}
		writes = append(writes, part)
	}
	for n := len(bodies) + 1; ; n++ {
		local, known := p.in.twin(PartPath(w.Path, n))
		if !known {
			return writes, false, ""
		}
		part := w
		part.Op, part.Part, part.LocalID = DeleteComment, n, local
		writes = append(writes, part)
	}
}

// numbered is a part's number from 1, 0 where it is the only one.
func numbered(i, of int) int {
	if of == 1 {
		return 0
	}
	return i + 1
}

// bodies are a comment as it is written here, under a line that says who wrote it: whole where Jira may take that. How it
// measures is not known, so otherwise says the parts that it is written in if Jira does not; nil: it surely does. What is
// in parts already stays so.
func (p *planner) bodies(r *inComments, path replica.Path, c replica.Comment, doc *adf.Doc, what string) (bodies, otherwise []*adf.Doc) {
	head := ""
	if r.e.Byline.Value || what != "" {
		head = p.whose(c.Author) + what
	}
	whole := doc
	if head != "" {
		whole = doc.Prepend(head + ":")
	}
	if whole.Size() <= maxText {
		return []*adf.Doc{whole}, nil
	}
	head = strings.TrimSpace(head + " ")
	room := new(adf.Doc).Prepend(head + " (256/256):").Size()
	parts, err := doc.Split(maxText - room)
	if err != nil || len(parts) < 2 {
		return []*adf.Doc{whole}, nil
	}
	for i, part := range parts {
		parts[i] = part.Prepend(strings.TrimSpace(fmt.Sprintf("%s (%d/%d):", head, i+1, len(parts))))
	}
	if _, already := p.in.twin(PartPath(path, 2)); already || p.unfit(whole.JSON()) != "" {
		return parts, nil
	}
	return []*adf.Doc{whole}, parts
}

// takenBack plans what becomes of a comment's parts that the peer deleted: they go, or a line says it.
func (p *planner) takenBack(r *inComments, w CommentWrite) (writes []CommentWrite, why string) {
	mark := fmt.Sprintf("Deleted at %s", p.r.Peer)
	for n := 1; ; n++ {
		local, known := p.in.twin(PartPath(w.Path, n))
		if !known {
			return writes, ""
		}
		twin := p.local(local)
		if twin == nil {
			continue
		}
		part := w
		part.LocalID, part.Public, part.Op = local, twin.Public, DeleteComment
		if n > 1 {
			part.Part = n
		}
		if r.e.Deletes.Value != "delete" {
			doc, err := adf.Parse(twin.Body)
			if err != nil || strings.HasPrefix(doc.Plain(), mark) {
				continue
			}
			part.Op, part.Body = MarkComment, jsm.Rich(doc.Prepend(mark+":").JSON())
			if why := p.unfit(part.Body); why != "" {
				return nil, why
			}
		}
		writes = append(writes, part)
	}
}

// reply notes which comment one answers, where that has the same readers: Jira gives an answer those of its parent.
func (p *planner) reply(w *CommentWrite, parent string) {
	if parent == "" {
		return
	}
	local, known := "", false
	if ours, back := strings.CutPrefix(parent, TwinRef); back {
		local, known = ours, p.in.Shown != nil && p.in.Shown(replica.Path("comment/"+ours))
	} else {
		w.Parent = replica.Path("comment/" + parent)
		local, known = p.in.twin(w.Parent)
	}
	if !known {
		return
	}
	c := p.local(local)
	if c != nil && c.Parent != "" { // a thread has one level
		c = p.local(c.Parent)
	}
	if c != nil && (c.VisibilityKnown && c.Public) == w.Public {
		w.ReplyTo = c.ID
	}
}
