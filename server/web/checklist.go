package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/edit"
	"moonwatch/server/web/webform"
)

// checkList is the page of all checks.
type checkList struct {
	Lines    []checkLine
	Total    int
	Found    int
	Search   string
	Status   string
	Plugin   string
	Plugins  []webform.Option
	Statuses []webform.Option
	Pages    pager
}

const perPage = 100

// pager leads through a list by number.
type pager struct {
	Page, Last int
	Prev, Next string // addresses, "" at the ends
}

// paged cuts one page out of a list.
func paged[T any](list []T, query url.Values) ([]T, pager) {
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
	p := pager{Page: n, Last: last}
	if n > 1 {
		p.Prev = address(n - 1)
	}
	if n < last {
		p.Next = address(n + 1)
	}
	return list[(n-1)*perPage : min(n*perPage, len(list))], p
}

func (w *checkPages) checks(q *request) error {
	query := q.URL.Query()
	l := checkList{Search: query.Get("q"), Status: query.Get("status"), Plugin: query.Get("plugin")}
	all := w.engine.Checks.BareChecks()
	l.Total = len(all)
	l.options(w, all)
	needle := strings.ToLower(strings.TrimSpace(l.Search))
	for i := range all {
		c := &all[i]
		line := lineOf(c)
		if l.Plugin != "" && c.Plugin != l.Plugin || l.Status != "" && !statusMatches(l.Status, c) {
			continue
		}
		if needle != "" && !strings.Contains(strings.ToLower(c.Name+" "+strings.Join(c.Tags, " ")), needle) {
			continue
		}
		line.order = strings.ToLower(c.Name)
		l.Lines = append(l.Lines, line)
	}
	slices.SortFunc(l.Lines, func(a, b checkLine) int {
		return cmp.Or(rankOf(b.Status)-rankOf(a.Status), strings.Compare(a.order, b.order), strings.Compare(a.ID, b.ID))
	})
	l.Found = len(l.Lines)
	l.Lines, l.Pages = paged(l.Lines, query)
	p := w.newPage(q, "Checks", "checks")
	p.Events = "types=check"
	p.Body = l
	w.render(q.rw, http.StatusOK, "checks", p)
	return nil
}

func statusMatches(want string, c *edit.CheckView) bool {
	if mark(want) == markPaused {
		return !c.Active
	}
	return c.Active && string(c.Status) == want
}

func (l *checkList) options(w *checkPages, all []edit.CheckView) {
	used := map[string]bool{}
	for i := range all {
		used[all[i].Plugin] = true
	}
	for slug := range used {
		l.Plugins = append(l.Plugins, webform.Option{Value: slug, Label: w.card(slug).Name, Selected: slug == l.Plugin})
	}
	slices.SortFunc(l.Plugins, func(a, b webform.Option) int { return strings.Compare(a.Label, b.Label) })
	for _, s := range []standing{standing(engine.CheckFailing), standing(engine.CheckUnknown), standing(engine.CheckPending),
		standing(engine.CheckPassing), standing(markPaused)} {
		l.Statuses = append(l.Statuses, webform.Option{Value: string(s), Label: s.shape().word, Selected: string(s) == l.Status})
	}
}
