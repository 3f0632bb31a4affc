package jsm

import "fmt"

// maxPages bounds every loop over pages: a tenant that never says "last" must not hold us forever.
const maxPages = 1000

// platformPage is the platform's page: {startAt, maxResults, total, isLast, values}. Some answers
// lack isLast, some lack total.
type platformPage[T any] struct {
	Total  *int  `json:"total"`
	IsLast *bool `json:"isLast"`
	Values []T   `json:"values"`
}

func (p platformPage[T]) items() []T { return p.Values }
func (p platformPage[T]) last(seen int) bool {
	if p.IsLast != nil {
		return *p.IsLast
	}
	return p.Total == nil || seen >= *p.Total
}

// deskPage is the service desk's page: {start, limit, size, isLastPage, values} [S].
type deskPage[T any] struct {
	IsLastPage *bool `json:"isLastPage"`
	Values     []T   `json:"values"`
}

func (p deskPage[T]) items() []T    { return p.Values }
func (p deskPage[T]) last(int) bool { return p.IsLastPage == nil || *p.IsLastPage }

type page[T any] interface {
	items() []T
	last(seen int) bool
}

// pages collects all pages. The next one starts where the items so far end, whatever limit was asked
// for: Jira caps it silently. An empty page ends the loop, however it describes itself.
func pages[T any, P page[T]](get func(start int) (P, error)) ([]T, error) {
	var all []T
	for range maxPages {
		p, err := get(len(all))
		if err != nil {
			return all, err
		}
		all = append(all, p.items()...)
		if len(p.items()) == 0 || p.last(len(all)) {
			return all, nil
		}
	}
	return all, fmt.Errorf("no last page within %d pages", maxPages)
}
