package sim

// What Jira makes of a document when it stores it: text nodes without text go, and nodes get a localId.

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
)

// adfLocal names the nodes that Jira's editor gives a localId of its own.
var adfLocal = map[string]bool{
	"paragraph": true, "heading": true, "bulletList": true, "orderedList": true, "listItem": true, "taskList": true, "taskItem": true,
	"decisionList": true, "decisionItem": true, "codeBlock": true, "blockquote": true, "panel": true, "rule": true, "table": true,
	"tableRow": true, "tableCell": true, "tableHeader": true, "expand": true, "nestedExpand": true, "mediaSingle": true, "mention": true,
}

// normalADF gives a valid document as it is stored. The localIds follow from seed and the node's place, so the
// same write always stores the same, and the next write (another seed) gets others, as on a live site.
// What is no document comes back unchanged.
func normalADF(raw json.RawMessage, seed uint64) json.RawMessage {
	root, err := decodeADF(raw)
	if err != nil {
		return raw
	}
	n := normaliser{seed: seed}
	n.children(root, 0)
	out, err := json.Marshal(root)
	if err != nil {
		return raw
	}
	return out
}

type normaliser struct {
	seed  uint64
	count uint64
}

func (n *normaliser) children(m map[string]any, depth int) {
	content, ok := m["content"].([]any)
	if !ok || depth > maxADFDepth {
		return
	}
	kept := make([]any, 0, len(content))
	for _, item := range content {
		child, ok := item.(map[string]any)
		if !ok || child["type"] == "text" && child["text"] == "" {
			continue
		}
		if marks, ok := child["marks"].([]any); ok && len(marks) == 0 {
			delete(child, "marks")
		}
		n.localID(child)
		n.children(child, depth+1)
		kept = append(kept, child)
	}
	m["content"] = kept
}

func (n *normaliser) localID(m map[string]any) {
	kind, _ := m["type"].(string)
	if !adfLocal[kind] {
		return
	}
	attrs, ok := m["attrs"].(map[string]any)
	if !ok {
		if kind == "mediaSingle" {
			return // without a layout it has no attributes at all
		}
		attrs = map[string]any{}
		m["attrs"] = attrs
	}
	n.count++
	if _, has := attrs["localId"]; has {
		return
	}
	var in [16]byte
	binary.BigEndian.PutUint64(in[:8], n.seed)
	binary.BigEndian.PutUint64(in[8:], n.count)
	sum := sha256.Sum256(in[:])
	attrs["localId"] = hex.EncodeToString(sum[:6])
}
