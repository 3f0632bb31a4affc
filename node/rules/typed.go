package rules

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"parley/jsm"
	"parley/replica"
	"parley/replica/adf"
)

// typedValue makes an item's value of a literal or of an expression's result, as the field's type has
// it; f nil is a view item, which takes its type from the value.
func typedValue(f *field, v any) (replica.Value, error) {
	switch v := v.(type) {
	case string:
		return typedText(f, v)
	case bool:
		return typedText(f, strconv.FormatBool(v))
	case int64:
		return typedNumber(f, strconv.FormatInt(v, 10))
	case uint64:
		return typedNumber(f, strconv.FormatUint(v, 10))
	case float64:
		return typedNumber(f, strconv.FormatFloat(v, 'f', -1, 64))
	case time.Time:
		if f != nil && f.Type == jsm.DateType {
			return replica.Date(v.UTC().Format(time.DateOnly)), nil
		}
		return replica.Time(v.UnixMilli()), nil
	case []string:
		if f != nil && !f.Type.Set() && f.Type != jsm.UnknownType {
			return nil, fmt.Errorf("%s takes one value, not a list", f.Name)
		}
		list := replica.List{}
		for _, s := range v {
			one, err := typedText(f, s)
			if err != nil {
				return nil, err
			}
			list = append(list, one)
		}
		return list, nil
	}
	return nil, errors.New("the result is no value that an item can hold")
}

func typedText(f *field, s string) (replica.Value, error) {
	if f == nil {
		return replica.Text(s), nil
	}
	switch f.Type {
	case jsm.StatusType:
		return replica.Status{Name: s}, nil
	case jsm.Paragraph:
		return replica.Rich(adf.Text(s).JSON()), nil
	case jsm.NumberType:
		return typedNumber(f, s)
	case jsm.DateType:
		if _, err := time.Parse(time.DateOnly, s); err != nil {
			return nil, fmt.Errorf("%s takes a date like 2026-11-22", f.Name)
		}
		return replica.Date(s), nil
	case jsm.DateTime:
		t, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return nil, fmt.Errorf("%s takes a time like 2026-11-22T10:00:00Z", f.Name)
		}
		return replica.Time(t.UnixMilli()), nil
	case jsm.User, jsm.MultiUser, jsm.Participants, jsm.WatchersType:
		return replica.Person{Email: s}, nil
	case jsm.EffortType, jsm.ParentType:
		return nil, fmt.Errorf("%s takes no literal: read it from the peer's view with from", f.Name)
	case jsm.Text, jsm.URL, jsm.Labels, jsm.Components, jsm.Organizations, jsm.MultiVersion, jsm.UnknownType:
		return replica.Text(s), nil
	}
	return replica.Option{Name: s}, nil
}

func typedNumber(f *field, s string) (replica.Value, error) {
	if f != nil && f.Type != jsm.NumberType && f.Type != jsm.UnknownType {
		if f.Type == jsm.DateType || f.Type == jsm.DateTime {
			return nil, fmt.Errorf("%s takes a date, not a number", f.Name)
		}
		return typedText(f, s)
	}
	n, err := replica.ParseNumber(s)
	if err != nil {
		return nil, fmt.Errorf("%s takes a number", nameFor(f))
	}
	return n, nil
}

// result makes an item's value of what an expression gave.
func result(f *field, v ref.Val) (replica.Value, error) {
	list, ok := v.(traits.Lister)
	if !ok {
		return typedValue(f, v.Value())
	}
	var texts []string
	for it := list.Iterator(); it.HasNext().Value() == true; {
		s, ok := it.Next().Value().(string)
		if !ok {
			return nil, errors.New("the list holds something else than texts")
		}
		if len(texts) == replica.MaxList {
			return nil, errors.New("the list is too long")
		}
		texts = append(texts, s)
	}
	return typedValue(f, texts)
}
