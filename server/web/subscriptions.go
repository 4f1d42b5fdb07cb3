package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/access"
)

// The matrix of subscriptions: services and instances by users, with who is on
// duty for each.

type matrixPage struct {
	Users   []matrixUser
	Rows    []matrixRow
	MayEdit bool
	Message string
}

type matrixUser struct {
	ID, Name string
	Active   bool
}

type matrixRow struct {
	link
	Field    string // under which its users are posted
	Revision uint64
	Cells    []matrixCell
	Duty     string
	Off      bool // alerts are switched off, or there are no alert plugins
}

type matrixCell struct {
	User      string
	Label     string // for those who hear it
	On, Duty  bool
	Highlight bool // the caller's own column
}

func (w *rotaPages) subscriptions(q *request) error {
	return w.showSubscriptions(q, http.StatusOK, "")
}

func (w *rotaPages) showSubscriptions(q *request, status int, message string) error {
	v := matrixPage{MayEdit: q.user.Role.Can(access.Editor), Message: message}
	for _, u := range w.engine.Users.Users() {
		v.Users = append(v.Users, matrixUser{u.ID, u.Username, u.Active})
	}
	slices.SortFunc(v.Users, func(a, b matrixUser) int { // the caller first
		if d := b2i(b.ID == q.user.ID) - b2i(a.ID == q.user.ID); d != 0 {
			return d
		}
		return strings.Compare(a.Name, b.Name)
	})
	duty, rotas, site := w.engine.OnCall.OnCall(), w.rotasByID(), w.engine.Settings()
	for _, s := range w.everySubject() {
		v.Rows = append(v.Rows, w.matrixRow(q, s, v.Users, w.dutyOf(&s.Alerting, duty, rotas, &site)))
	}
	p := w.newPage(q, "Subscriptions", "subscriptions")
	p.Body = v
	w.render(q.rw, status, "subscriptions", p)
	return nil
}

// everySubject are all services, then all instances.
func (w *lookup) everySubject() []*subject {
	return append(w.subjects(engine.KindService), w.subjects(engine.KindInstance)...)
}

func (w *rotaPages) matrixRow(q *request, s *subject, users []matrixUser, duty []string) matrixRow {
	row := matrixRow{link: link{s.Plural(), s.Meta.ID, s.Name, standing(s.View.OverallStatus)}, Field: rowField(s), Revision: s.Meta.Revision,
		Duty: strings.Join(w.names(duty), ", "), Off: !s.Alerting.AlertsEnabled || len(s.Alerting.Alerts) == 0}
	for _, u := range users {
		c := matrixCell{User: u.ID, On: slices.Contains(s.Alerting.UsersToNotify, u.ID), Duty: slices.Contains(duty, u.ID), Highlight: u.ID == q.user.ID}
		c.Label = u.Name + " is told of " + s.Name
		row.Cells = append(row.Cells, c)
	}
	return row
}

func rowField(s *subject) string { return string(s.Kind) + "." + s.Meta.ID }

// saveSubscriptions saves the rows in which something is different now.
func (w *rotaPages) saveSubscriptions(q *request) error {
	var stale []string
	for _, shown := range w.everySubject() {
		field := rowField(shown)
		if !q.PostForm.Has(field + ".revision") {
			continue
		}
		s, err := w.subjectStored(shown.Kind, shown.Meta.ID)
		if err != nil {
			continue // deleted meanwhile
		}
		next := subscribed(s.Alerting.UsersToNotify, q.PostForm[field])
		if slices.Equal(next, s.Alerting.UsersToNotify) {
			continue
		}
		if at, _ := strconv.ParseUint(q.PostForm.Get(field+".revision"), 10, 64); at != s.Meta.Revision {
			stale = append(stale, s.Name)
			continue
		}
		s.Alerting.UsersToNotify = next
		if _, err := saveSubject(q, w.engine, s); engine.KindOf(err) == engine.Stale {
			stale = append(stale, s.Name)
		} else if err != nil {
			return plainly(err)
		}
	}
	if len(stale) > 0 {
		return w.showSubscriptions(q, http.StatusPreconditionFailed, "Somebody else changed "+strings.Join(stale, ", ")+" meanwhile: what is below is as it stands now. Everything else was saved.")
	}
	return q.redirect("/subscriptions?done=subscribed")
}

// subscribed are the users as posted, those who stay in their order.
func subscribed(old, posted []string) []string {
	out := slices.DeleteFunc(slices.Clone(old), func(id string) bool { return !slices.Contains(posted, id) })
	for _, id := range posted {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}
