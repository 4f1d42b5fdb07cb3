package checks

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/edit"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/webform"
)

// checkList is the page of all checks.
type checkList struct {
	Lines    []frame.CheckLine
	Total    int
	Found    int
	Search   string
	Status   string
	Plugin   string
	Plugins  []webform.Option
	Statuses []webform.Option
	Tags     []webform.Option
	Sort     string
	Sorts    map[string]string // addresses of the same list in another order
	Pages    frame.Pager
}

func (w *Pages) checks(q *frame.Request) error {
	query := q.URL.Query()
	l := checkList{Search: query.Get("q"), Status: query.Get("status"), Plugin: query.Get("plugin"), Sort: query.Get("sort")}
	tag := query.Get("tag")
	all := w.Engine.Checks.BareChecks()
	l.Total = len(all)
	l.options(w, all)
	needle := strings.ToLower(strings.TrimSpace(l.Search))
	for i := range all {
		c := &all[i]
		if l.Plugin != "" && c.Plugin != l.Plugin || tag != "" && !slices.Contains(c.Tags, tag) || l.Status != "" && !statusMatches(l.Status, c) {
			continue
		}
		if needle != "" && !strings.Contains(strings.ToLower(c.Name+" "+strings.Join(c.Tags, " ")), needle) {
			continue
		}
		line := frame.LineOf(c)
		line.Order = strings.ToLower(c.Name)
		l.Lines = append(l.Lines, line)
	}
	slices.SortFunc(l.Lines, l.order())
	l.Found = len(l.Lines)
	l.Lines, l.Pages = frame.Paged(l.Lines, query)
	l.tags(all, tag)
	l.Sorts = map[string]string{}
	for column, sort := range map[string]string{"Status": "", "Name": "name", "Since": "since"} {
		l.Sorts[column] = frame.WithQuery("/checks", query, "sort", sort)
	}
	w.Complete(q.Context(), l.Lines)
	p := w.NewPage(q, "Checks", "checks")
	p.Events = "types=check,silence"
	p.Body = l
	w.Render(q.Writer, http.StatusOK, "checks", p)
	return nil
}

// order is how the list is sorted: by status, by name or by since when.
func (l *checkList) order() func(a, b frame.CheckLine) int {
	return func(a, b frame.CheckLine) int {
		first := frame.RankOf(b.Status) - frame.RankOf(a.Status)
		switch l.Sort {
		case "name":
			first = 0
		case "since":
			first = frame.Newest(a.Since, b.Since)
		}
		return cmp.Or(first, strings.Compare(a.Order, b.Order), strings.Compare(a.ID, b.ID))
	}
}

// tags are those that any check has.
func (l *checkList) tags(all []edit.CheckView, chosen string) {
	tags := map[string]bool{}
	for i := range all {
		for _, t := range all[i].Tags {
			tags[t] = true
		}
	}
	l.Tags = webform.OptionsOf(tags, chosen)
}

func statusMatches(want string, c *edit.CheckView) bool {
	if frame.Mark(want) == frame.MarkPaused {
		return !c.Active
	}
	return c.Active && string(c.Status) == want
}

func (l *checkList) options(w *Pages, all []edit.CheckView) {
	used := map[string]bool{}
	for i := range all {
		used[all[i].Plugin] = true
	}
	for slug := range used {
		l.Plugins = append(l.Plugins, webform.Option{Value: slug, Label: w.Card(slug).Name, Selected: slug == l.Plugin})
	}
	slices.SortFunc(l.Plugins, func(a, b webform.Option) int { return strings.Compare(a.Label, b.Label) })
	for _, s := range []frame.Standing{frame.Standing(engine.CheckFailing), frame.Standing(engine.CheckUnknown), frame.Standing(engine.CheckPending),
		frame.Standing(engine.CheckPassing), frame.Standing(frame.MarkPaused)} {
		l.Statuses = append(l.Statuses, webform.Option{Value: string(s), Label: s.Shape().Word, Selected: string(s) == l.Status})
	}
}
