package jsm

import (
	"context"
	"net/http"
)

// maxArticles bounds a search of the knowledge base: nobody reads further.
const maxArticles = 50

// Article is an article of a desk's knowledge base. No call links one to a ticket or tells which are: that is done by a
// web link (RemoteLink.Article) or a comment.
type Article struct {
	Title   string
	Excerpt string
	URL     string // of the page in a frame; "": not told
}

// Articles finds articles of a desk's knowledge base by words, at most 50, for 1 point and 1 for each.
func (c *Client) Articles(ctx context.Context, deskID, words string) ([]Article, error) {
	query := deskQuery(0)
	query.Set("query", words)
	var out deskPage[struct {
		Title   string `json:"title"`
		Excerpt string `json:"excerpt"`
		Content struct {
			URL string `json:"iframeSrc"`
		} `json:"content"`
	}]
	_, err := c.do(ctx, call{
		op: "GET knowledgebase/article", method: http.MethodGet, path: desk("servicedesk", deskID, "knowledgebase", "article"), query: query,
		header: http.Header{"X-Experimentalapi": {"opt-in"}}, out: &out, objects: func() int { return len(out.Values) },
	})
	var list []Article
	for _, a := range out.Values[:min(len(out.Values), maxArticles)] {
		list = append(list, Article{a.Title, a.Excerpt, a.Content.URL})
	}
	return list, err
}
