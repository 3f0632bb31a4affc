package jsm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// Options of custom fields belong to a context: a list for some projects and issue types. Only an administrator
// adds to it (permission Administer Jira [S]).

// contextOption is one option of a context. Parent is set on the second level of a cascading select.
type contextOption struct {
	ID     looseID `json:"id"`
	Value  string  `json:"value"`
	Parent looseID `json:"optionId"`
	Off    bool    `json:"disabled"`
}

// addOptions adds to the field's list, for the ticket's project and issue type, the options that it lacks. Both
// reading and adding may be repeated: what is there already is left alone.
func (c *Client) addOptions(ctx context.Context, id string, f Field, wanted []Option) error {
	if !f.Custom || !f.Type.OwnOptions() {
		return &notHere{fmt.Sprintf("a %s field has no options of its own", f.Type)}
	}
	list, err := c.contextOf(ctx, id, f.ID)
	if err != nil {
		return err
	}
	there, err := c.contextOptions(ctx, f.ID, list)
	if err != nil {
		return err
	}
	for _, o := range wanted {
		if o.ID != "" {
			continue
		}
		parent, err := c.ensureOption(ctx, f.ID, list, &there, o.Value, "")
		if err == nil && o.Child != nil {
			_, err = c.ensureOption(ctx, f.ID, list, &there, o.Child.Value, parent)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ensureOption gives the id of an option, which is made where it is not there.
func (c *Client) ensureOption(ctx context.Context, field, list string, there *[]contextOption, value string, parent looseID) (looseID, error) {
	if i := slices.IndexFunc(*there, func(o contextOption) bool { return o.Value == value && o.Parent == parent }); i >= 0 {
		if (*there)[i].Off {
			return "", &notHere{"the option is there, and disabled"}
		}
		return (*there)[i].ID, nil
	}
	if err := bounded(value, maxLine); err != nil {
		return "", &notHere{err.Error()}
	}
	option := map[string]any{"value": value}
	if parent != "" {
		option["optionId"] = parent
	}
	var out struct {
		Options []contextOption `json:"options"`
	}
	_, err := c.do(ctx, call{
		op: "POST field/context/option", method: http.MethodPost, path: rest("field", field, "context", list, "option"),
		body: map[string]any{"options": []any{option}}, out: &out,
	})
	if err != nil {
		return "", err
	}
	if len(out.Options) != 1 || out.Options[0].ID == "" {
		return "", errors.New("the answer to adding an option names none")
	}
	*there = append(*there, contextOption{ID: out.Options[0].ID, Value: value, Parent: parent})
	return out.Options[0].ID, nil
}

// contextOf finds the field's context for the ticket: the only one, where it is for all projects, else what Jira
// says for the ticket's project and issue type.
func (c *Client) contextOf(ctx context.Context, id, field string) (string, error) {
	var all platformPage[struct {
		ID     looseID `json:"id"`
		Global bool    `json:"isGlobalContext"`
		Any    bool    `json:"isAnyIssueType"`
	}]
	_, err := c.do(ctx, call{
		op: "GET field/context", method: http.MethodGet, path: rest("field", field, "context"), out: &all, objects: func() int { return len(all.Values) },
	})
	if err != nil {
		return "", err
	}
	if len(all.Values) == 1 && all.Values[0].Global && all.Values[0].Any {
		return string(all.Values[0].ID), nil
	}
	t, err := c.ticket(ctx, id, []string{"project", "issuetype"}, false)
	if err != nil {
		return "", err
	}
	var out platformPage[struct {
		Context looseID `json:"contextId"`
	}]
	_, err = c.do(ctx, call{
		op: "POST field/context/mapping", method: http.MethodPost, path: rest("field", field, "context", "mapping"), read: true, out: &out,
		body: map[string]any{"mappings": []any{map[string]string{"projectId": t.Project.ID, "issueTypeId": t.IssueType.ID}}},
	})
	if err != nil {
		return "", err
	}
	if len(out.Values) == 0 || out.Values[0].Context == "" {
		return "", &notHere{"the field is not for this project and issue type"}
	}
	return string(out.Values[0].Context), nil
}

// contextOptions reads a context's list, both levels.
func (c *Client) contextOptions(ctx context.Context, field, list string) ([]contextOption, error) {
	return pages(func(start int) (platformPage[contextOption], error) {
		var out platformPage[contextOption]
		_, err := c.do(ctx, call{
			op: "GET field/context/option", method: http.MethodGet, path: rest("field", field, "context", list, "option"),
			query: url.Values{"startAt": {strconv.Itoa(start)}, "maxResults": {"100"}}, out: &out, objects: func() int { return len(out.Values) },
		})
		return out, err
	})
}
