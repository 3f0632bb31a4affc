package jsm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

// ErrNoOrganization is an organization that is not on the desk, and that may not be put there.
var ErrNoOrganization = errors.New("no such organization on this service desk")

// Organizations lists all organizations that the account can see.
func (c *Client) Organizations(ctx context.Context) ([]Option, error) {
	return c.organizations(ctx, "GET organization", desk("organization"))
}

// DeskOrganizations lists the organizations linked to a desk; only these can be shared with.
func (c *Client) DeskOrganizations(ctx context.Context, deskID string) ([]Option, error) {
	return c.organizations(ctx, "GET servicedesk/organization", desk("servicedesk", deskID, "organization"))
}

func (c *Client) organizations(ctx context.Context, op string, path []string) ([]Option, error) {
	list, err := pages(func(start int) (deskPage[optionJSON], error) {
		var out deskPage[optionJSON]
		_, err := c.do(ctx, call{
			op: op, method: http.MethodGet, path: path, query: deskQuery(start),
			out: &out, objects: func() int { return len(out.Values) },
		})
		return out, err
	})
	return options(list), err
}

// EnsureOrganization returns the desk's organization with this exact name. Where the desk has none
// and create is set, it is made (Jira returns an existing one of that name [S]) and linked to the
// desk; both calls may be repeated. Without create: ErrNoOrganization. Sharing a request with an
// organization shows it to all its customers, so nothing is created or linked unasked.
func (c *Client) EnsureOrganization(ctx context.Context, name, deskID string, create bool) (Option, error) {
	list, err := c.DeskOrganizations(ctx, deskID)
	if err != nil {
		return Option{}, fmt.Errorf("looking for an organization: %w", err)
	}
	if i := slices.IndexFunc(list, func(o Option) bool { return o.Value == name }); i >= 0 {
		return list[i], nil
	}
	if !create {
		return Option{}, fmt.Errorf("organization %q: %w", clip(name, 200), ErrNoOrganization)
	}
	var made optionJSON
	_, err = c.do(ctx, call{
		op: "POST organization", method: http.MethodPost, path: desk("organization"), body: map[string]any{"name": name}, out: &made,
	})
	if err != nil {
		return Option{}, fmt.Errorf("making an organization: %w", err)
	}
	id, err := strconv.ParseInt(string(made.ID), 10, 64)
	if err != nil {
		return Option{}, fmt.Errorf("making an organization: the answer's id is no number")
	}
	_, err = c.do(ctx, call{
		op: "POST servicedesk/organization", method: http.MethodPost, path: desk("servicedesk", deskID, "organization"),
		body: map[string]any{"organizationId": id},
	})
	if err != nil {
		return Option{}, fmt.Errorf("linking an organization to the desk: %w", err)
	}
	return made.option(), nil
}
