package people

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/lookup"
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
	frame.Link
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

func (w *Pages) subscriptions(q *frame.Request) error {
	return w.showSubscriptions(q, http.StatusOK, "")
}

func (w *Pages) showSubscriptions(q *frame.Request, status int, message string) error {
	v := matrixPage{MayEdit: q.User.Role.Can(access.Editor), Message: message}
	for _, u := range w.Engine.Users.Users() {
		v.Users = append(v.Users, matrixUser{u.ID, u.Username, u.Active})
	}
	slices.SortFunc(v.Users, func(a, b matrixUser) int { // the caller first
		if d := frame.B2i(b.ID == q.User.ID) - frame.B2i(a.ID == q.User.ID); d != 0 {
			return d
		}
		return strings.Compare(a.Name, b.Name)
	})
	duty, rotas, site := w.Engine.OnCall.OnCall(), w.RotasByID(), w.Engine.Settings()
	for _, s := range w.EverySubject() {
		v.Rows = append(v.Rows, w.matrixRow(q, s, v.Users, w.DutyOf(&s.Alerting, duty, rotas, &site)))
	}
	p := w.NewPage(q, "Subscriptions", "subscriptions")
	p.Body = v
	w.Render(q.Writer, status, "subscriptions", p)
	return nil
}

func (w *Pages) matrixRow(q *frame.Request, s *lookup.Subject, users []matrixUser, duty []string) matrixRow {
	row := matrixRow{
		Link:     s.Link(),
		Field:    rowField(s),
		Revision: s.Meta.Revision,
		Duty:     strings.Join(w.Names(duty), ", "),
		Off:      !s.Alerting.AlertsEnabled || len(s.Alerting.Alerts) == 0,
	}
	for _, u := range users {
		c := matrixCell{
			User:      u.ID,
			On:        slices.Contains(s.Alerting.UsersToNotify, u.ID),
			Duty:      slices.Contains(duty, u.ID),
			Highlight: u.ID == q.User.ID,
		}
		c.Label = u.Name + " is told of " + s.Name
		row.Cells = append(row.Cells, c)
	}
	return row
}

func rowField(s *lookup.Subject) string { return string(s.Kind) + "." + s.Meta.ID }

// saveSubscriptions saves the rows in which something is different now.
func (w *Pages) saveSubscriptions(q *frame.Request) error {
	var stale []string
	for _, shown := range w.EverySubject() {
		field := rowField(shown)
		if !q.PostForm.Has(field + ".revision") {
			continue
		}
		s, err := w.SubjectStored(shown.Kind, shown.Meta.ID)
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
		if _, err := lookup.SaveSubject(q, w.Engine, s); engine.KindOf(err) == engine.Stale {
			stale = append(stale, s.Name)
		} else if err != nil {
			return frame.Plainly(err)
		}
	}
	if len(stale) > 0 {
		return w.showSubscriptions(q, http.StatusPreconditionFailed, "Somebody else changed "+strings.Join(stale, ", ")+" meanwhile: what is below is as it stands now. Everything else was saved.")
	}
	return q.Redirect("/subscriptions?done=subscribed")
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
