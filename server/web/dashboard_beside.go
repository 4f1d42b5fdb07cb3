package web

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/edit"
	"moonwatch/server/web/alerting"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/lookup"
	"moonwatch/server/web/records"
)

// What stands beside the dashboard: who is on call, what changed, what is planned.

// dutyLine is somebody on call.
type dutyLine struct {
	User, Name, Initials string
	Rota, RotaName       string
	Until                *time.Time // nil for a fallback
	Fallback             bool
	Next                 string // who comes then
}

// plannedSilence is a silence that is to come.
type plannedSilence struct {
	ID, Name    string
	Maintenance bool
	Begins      time.Time
}

const (
	maxDuty       = 8
	maxChanges    = 6
	maxPlanned    = 3
	changesBack   = time.Hour
	plannedAhead  = 14 * 24 * time.Hour
	handoverAhead = time.Minute // past the end of a shift, to see whose the next is
)

func (d *dashboard) beside(w *dashboardPages, q *frame.Request, silences []edit.SilenceView) {
	now := w.Options.Now()
	for _, one := range w.Engine.OnCall.OnCall() {
		if len(d.Duty) == maxDuty {
			break
		}
		l := dutyLine{User: one.User, Name: one.Username, Rota: one.Rota, RotaName: one.RotaName, Until: one.Until, Fallback: one.Fallback}
		if u, err := w.Engine.Users.User(one.User); err == nil {
			l.Name = lookup.FullName(&u)
		}
		l.Initials = initials(l.Name)
		if one.Until != nil {
			l.Next = w.after(one.Rota, one.User, *one.Until)
		}
		d.Duty = append(d.Duty, l)
	}
	d.Changes = records.RecentChanges(q.Context(), w.Lookup, q.User.Role, now.Add(-changesBack), maxChanges)
	for _, s := range silences {
		if next := begins(&s, now); !s.Active && !next.IsZero() {
			d.Planned = append(d.Planned, plannedSilence{s.ID, cmp.Or(s.Comment, "without a comment"), s.Maintenance, next})
		}
	}
	slices.SortFunc(d.Planned, func(a, b plannedSilence) int { return a.Begins.Compare(b.Begins) })
	d.Planned, _ = frame.Cut(d.Planned, maxPlanned)
}

// begins is when a silence that does not hold begins, the zero time when it does
// not within two weeks.
func begins(s *edit.SilenceView, now time.Time) time.Time {
	next := s.StartsAt
	if s.RRule != "" {
		if s.Next == nil { // not within eight days
			return time.Time{}
		}
		next = *s.Next
	}
	if next.After(now) && next.Before(now.Add(plannedAhead)) {
		return next
	}
	return time.Time{}
}

// after is who is on duty on a rota when somebody's shift ends, "" for nobody.
func (w *dashboardPages) after(rota, user string, until time.Time) string {
	shifts, _ := w.Engine.OnCall.Shifts(rota, until, until.Add(handoverAhead))
	for _, s := range shifts {
		if s.User != user && !s.Start.After(until) && s.End.After(until) {
			return w.NameOfUser(s.User)
		}
	}
	return ""
}

// initials are the first letters of the first and last name.
func initials(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return r == ' ' || r == '-' || r == '_' || r == '.' })
	out := ""
	for i, word := range words {
		if i == 0 || i == len(words)-1 {
			out += string([]rune(word)[:1])
		}
	}
	return strings.ToUpper(out)
}

// acknowledge takes over all that a row of the dashboard stands for.
func (w *dashboardPages) acknowledge(q *frame.Request) error {
	o := engine.AckOptions{Comment: strings.TrimSpace(q.PostForm.Get("comment"))}
	span, err := alerting.AckSpan(q.PostForm.Get("for"))
	if err != nil {
		return err
	}
	o.ExpiresIn = span
	done := 0
	for _, path := range q.PostForm["of"] {
		kind, id, _ := strings.Cut(path, "/")
		ref := engine.Ref{Kind: engine.Kind(kind), ID: id}
		if _, now := w.Engine.Incidents.Acknowledge(q.Context(), q.By(), ref, o); now != nil {
			err = now
		} else {
			done++
		}
	}
	if done == 0 {
		return frame.Plainly(cmp.Or(err, error(&engine.Error{Kind: engine.Invalid, Message: "say what is acknowledged"})))
	}
	return q.Back("/", "acknowledged")
}
