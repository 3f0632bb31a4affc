package exchange

import (
	"fmt"
	"strings"
	"time"

	"parley/replica"
	"parley/replica/adf"
)

// ValueText is a replica's value in full, as a person reads it: a value that
// lost must stay readable. A kind that this version does not know is shown by
// its bytes.
func ValueText(it replica.Item) string {
	v, err := it.Value()
	if err != nil {
		return fmt.Sprintf("(a value of kind %q that cannot be read: %x)", it.Kind, it.Raw)
	}
	return valueText(v)
}

func valueText(v replica.Value) string {
	switch v := v.(type) {
	case replica.Text:
		return string(v)
	case replica.Rich:
		doc, err := adf.Parse(v)
		if err != nil {
			return string(v)
		}
		return doc.Plain()
	case replica.Option:
		if v.Child != nil {
			return v.Name + " / " + valueText(*v.Child)
		}
		return v.Name
	case replica.Status:
		return v.Name
	case replica.Number:
		return string(v)
	case replica.Date:
		return string(v)
	case replica.Time:
		return time.UnixMilli(int64(v)).UTC().Format(time.RFC3339)
	case replica.Person:
		return personText(v)
	case replica.List:
		parts := make([]string, 0, len(v))
		for _, one := range v {
			parts = append(parts, valueText(one))
		}
		return strings.Join(parts, ", ")
	case replica.Comment:
		return personText(v.Author) + ": " + valueText(v.Body)
	case replica.Attachment:
		return v.Name
	case replica.Unknown:
		return fmt.Sprintf("(a value of kind %q, which this version does not know: %x)", v.Name, v.Raw)
	}
	return ""
}

// personText is somebody by what was shared of them.
func personText(p replica.Person) string {
	for _, s := range []string{p.Name, p.Alias, p.Email, p.Company} {
		if s != "" {
			return s
		}
	}
	return "somebody"
}
