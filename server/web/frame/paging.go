package frame

import (
	"net/url"
	"strconv"
	"strings"
)

// Long lists come in pages: by number where all of it is in memory, else by the
// id of the last that was shown.

const perPage = 100

// Pager leads through a list by number.
type Pager struct {
	Page, Last int
	Prev, Next string // addresses, "" at the ends
}

// Paged cuts the page that a query asks for out of a list.
func Paged[T any](list []T, query url.Values) ([]T, Pager) {
	last := max((len(list)+perPage-1)/perPage, 1)
	n, _ := strconv.Atoi(query.Get("page"))
	n = min(max(n, 1), last)
	address := func(n int) string {
		q := url.Values{}
		for k, v := range query {
			if k != "done" && k != "page" {
				q[k] = v
			}
		}
		q.Set("page", strconv.Itoa(n))
		return "?" + q.Encode()
	}
	p := Pager{Page: n, Last: last}
	if n > 1 {
		p.Prev = address(n - 1)
	}
	if n < last {
		p.Next = address(n + 1)
	}
	return list[(n-1)*perPage : min(n*perPage, len(list))], p
}

// MaxListed bounds the items of a list that goes on by ids.
const MaxListed = 50

// OlderLink is the address of what came before the item with an id.
func OlderLink(query url.Values, before string) string {
	next := url.Values{}
	for k, v := range query {
		if k != "done" {
			next[k] = v
		}
	}
	next.Set("before", before)
	return "?" + next.Encode()
}

// WithQuery is an address with one value of its query set, or left out when it is
// empty, and from the first page on.
func WithQuery(path string, query url.Values, name, value string) string {
	next := url.Values{}
	for k, v := range query {
		if k != "done" && k != "before" && k != "page" && k != name && strings.Join(v, "") != "" {
			next[k] = v
		}
	}
	if value != "" {
		next.Set(name, value)
	}
	if len(next) == 0 {
		return path
	}
	return path + "?" + next.Encode()
}
