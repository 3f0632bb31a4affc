package jsm

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

// Release is a version of a project, as tickets name it in fixVersions and versions.
type Release struct {
	Option
	Released, Archived bool // an archived one cannot be chosen any more
}

// Versions lists a project's versions.
func (c *Client) Versions(ctx context.Context, project string) ([]Release, error) {
	type versionJSON struct {
		ID       looseID `json:"id"`
		Name     string  `json:"name"`
		Released bool    `json:"released"`
		Archived bool    `json:"archived"`
	}
	list, err := pages(func(start int) (platformPage[versionJSON], error) {
		var out platformPage[versionJSON]
		_, err := c.do(ctx, call{
			op: "GET project/version", method: http.MethodGet, path: rest("project", project, "version"),
			query: url.Values{"startAt": {strconv.Itoa(start)}, "maxResults": {"50"}},
			out:   &out, objects: func() int { return len(out.Values) },
		})
		return out, err
	})
	releases := make([]Release, 0, len(list))
	for _, v := range list {
		releases = append(releases, Release{Option{ID: string(v.ID), Value: v.Name}, v.Released, v.Archived})
	}
	return releases, err
}

// SecurityLevels lists the levels that our account may give to a project's tickets; none where the project has no
// scheme of them.
func (c *Client) SecurityLevels(ctx context.Context, project string) ([]Option, error) {
	var out struct {
		Levels []optionJSON `json:"levels"`
	}
	_, err := c.do(ctx, call{
		op: "GET project/securitylevel", method: http.MethodGet, path: rest("project", project, "securitylevel"),
		out: &out, objects: func() int { return len(out.Levels) },
	})
	return options(out.Levels), err
}
