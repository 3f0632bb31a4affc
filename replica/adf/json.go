package adf

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// compact puts any JSON into the canonical form of an attribute.
func compact(b []byte) (json.RawMessage, error) {
	v, err := read(b)
	if err != nil {
		return nil, err
	}
	return appendValue(nil, v), nil
}

// appendValue writes what read has read: members in byte order, no space.
func appendValue(out []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		return append(out, "null"...)
	case bool:
		return strconv.AppendBool(out, v)
	case json.Number:
		return append(out, number(string(v))...)
	case string:
		return appendString(out, v)
	case []any:
		out = append(out, '[')
		for i, e := range v {
			if i > 0 {
				out = append(out, ',')
			}
			out = appendValue(out, e)
		}
		return append(out, ']')
	}
	members, _ := value.(map[string]any) // the decoder makes nothing else
	out = append(out, '{')
	for i, name := range slices.Sorted(maps.Keys(members)) {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendString(out, name), ':')
		out = appendValue(out, members[name])
	}
	return append(out, '}')
}

// number writes 1.0, 10e-1 and 1 alike. What a double cannot hold exactly
// (more than 15 digits) stays as it is, so nothing is lost.
func number(s string) string {
	if s == "-0" {
		return "0"
	}
	mantissa := strings.TrimLeft(s, "-0.")
	if e := strings.IndexAny(mantissa, "eE"); e >= 0 {
		mantissa = mantissa[:e]
	}
	if !strings.ContainsAny(s, ".eE") || len(mantissa) > 15 {
		return s
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return s
	}
	if f == 0 {
		return "0"
	}
	if a := max(f, -f); a >= 1e15 || a < 1e-6 {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

const hex = "0123456789abcdef"

// appendString escapes what JSON demands, nothing else.
func appendString(out []byte, s string) []byte {
	out = append(out, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		out = append(out, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			out = append(out, '\\', c)
		case '\n':
			out = append(out, '\\', 'n')
		case '\r':
			out = append(out, '\\', 'r')
		case '\t':
			out = append(out, '\\', 't')
		default:
			out = append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	out = append(out, s[from:]...)
	return append(out, '"')
}
