package rotas

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/oncall"
	"moonwatch/engine/rota"
	"moonwatch/server/web/drawing"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/ownform"
	"moonwatch/server/web/webform"
)

// onCallPage is the page of all rotas and of who is on duty now.
type onCallPage struct {
	Rotas []rotaLine
	Mine  []oncall.OnCall // of the caller
}

// rotaLine is a rota as lists show it.
type rotaLine struct {
	oncall.RotaView
	Default bool
	Now     []oncall.OnCall
	Next    *turn // who comes next; nil when nobody is known
	Source  string
}

// turn is somebody's time on duty.
type turn struct {
	User string
	From time.Time
	To   time.Time
}

func (w *Pages) onCall(q *frame.Request) error {
	v := onCallPage{}
	duty := w.Engine.OnCall.OnCall()
	for _, one := range duty {
		if one.User == q.User.ID {
			v.Mine = append(v.Mine, one)
		}
	}
	for _, r := range w.Engine.OnCall.Rotas() {
		v.Rotas = append(v.Rotas, w.rotaLine(r, duty))
	}
	slices.SortFunc(v.Rotas, func(a, b rotaLine) int {
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	p := w.NewPage(q, "On call", "rotas")
	p.Events = "types=rota,user,settings"
	p.Body = v
	w.Render(q.Writer, http.StatusOK, "rotas", p)
	return nil
}

func (w *Pages) rotaLine(r oncall.RotaView, duty []oncall.OnCall) rotaLine {
	l := rotaLine{RotaView: r, Default: w.Engine.Settings().DefaultRota == r.ID, Source: "by hand"}
	switch {
	case r.ICalURL != "":
		l.Source = "calendar feed"
	case r.Rotation != nil:
		l.Source = "rotation, " + everyWords(r.Rotation.Every)
	}
	for _, one := range duty {
		if one.Rota == r.ID {
			l.Now = append(l.Now, one)
		}
	}
	now := w.Options.Now()
	shifts, _ := w.Engine.OnCall.Shifts(r.ID, now, now.Add(lookAhead))
	slices.SortFunc(shifts, func(a, b rota.Shift) int { return a.Start.Compare(b.Start) })
	for _, s := range shifts {
		away := !slices.ContainsFunc(l.Now, func(o oncall.OnCall) bool { return o.User == s.User && !o.Fallback })
		if s.Start.After(now) && away {
			l.Next = &turn{User: w.NameOfUser(s.User), From: s.Start, To: s.End}
			break
		}
	}
	return l
}

// Turns says how long turns are, and since when.
func (l *rotaLine) Turns() string {
	return everyWords(l.Rotation.Every) + " since " + strings.Replace(l.Rotation.Starts, "T", " ", 1)
}

// everyWords says how often it is somebody else's turn.
func everyWords(every string) string {
	switch every {
	case "1d":
		return "every day"
	case "1w", "7d":
		return "every week"
	case "2w", "14d":
		return "every two weeks"
	}
	return "every " + every
}

// lookAhead is how far the shifts of rotas are known.
const lookAhead = 60 * 24 * time.Hour

// rotaPage is the page of one rota with its next four weeks.
type rotaPage struct {
	rotaLine
	Weeks    []drawing.Week
	People   []drawing.Legend
	Fallback string // who is on duty when nobody is
	Members  []string
	Swaps    []turn // overrides that are not over
	Feed     FeedPart
	Services []frame.Link
	Zone     string
	Swap     *swapForm // nil for who may not
}

// swapForm hands over or takes over a shift.
type swapForm struct {
	Users      []webform.Option
	Start, End string // wall time of the rota
}

func (w *Pages) rotaPage(q *frame.Request) error {
	r, err := w.Engine.OnCall.Rota(q.ID())
	if err != nil {
		return err
	}
	v := &rotaPage{
		rotaLine: w.rotaLine(r, w.Engine.OnCall.OnCall()),
		Feed:     FeedPart{Path: "/rotas/" + r.ID + "/feed", What: "the shifts of this rota"},
		Zone:     r.TimeZone,
	}
	if q.User.Role.Can(access.Editor) {
		v.Feed.URL = r.FeedURL
	}
	if v.Weeks, v.People, err = w.weeks(&r.Rota); err != nil {
		return err
	}
	if id := r.FallbackUser; id != "" {
		v.Fallback = w.NameOfUser(id)
	} else if id := w.Engine.Settings().FallbackUser; id != "" {
		v.Fallback = w.NameOfUser(id) + " (the site's)"
	}
	if r.Rotation != nil {
		v.Members = w.Names(r.Rotation.Members)
	}
	now := w.Options.Now()
	for _, o := range r.Overrides {
		if o.End.After(now) {
			v.Swaps = append(v.Swaps, turn{w.NameOfUser(o.User), o.Start, o.End})
		}
	}
	for _, s := range w.EverySubject() {
		if slices.Contains(s.Alerting.Rotas, r.ID) || len(s.Alerting.Rotas) == 0 && v.Default {
			v.Services = append(v.Services, s.Link())
		}
	}
	p := w.NewPage(q, r.Name, "rotas")
	if zone, err := rota.LoadZone(r.TimeZone); err == nil { // one shift is shown on one clock
		p.Zone = zone
	}
	if q.User.Role.Can(access.Operator) {
		v.Swap = w.swapForm(q, r.ID, p.Zone)
	}
	p.Events = "types=rota,user,settings"
	p.Body = v
	w.Render(q.Writer, http.StatusOK, "rota", p)
	return nil
}

// swapForm proposes what is left of the caller's own shift, or the next eight hours.
func (w *Pages) swapForm(q *frame.Request, id string, zone *time.Location) *swapForm {
	now := w.Options.Now()
	f := &swapForm{
		Start: ownform.WallText(now.Truncate(time.Minute).Add(time.Minute), zone),
		End:   ownform.WallText(now.Truncate(time.Hour).Add(8*time.Hour), zone),
	}
	for _, one := range w.Engine.OnCall.OnCall() {
		if one.Rota == id && one.User == q.User.ID && one.Until != nil {
			f.End = ownform.WallText(*one.Until, zone)
		}
	}
	for _, u := range w.UserChoices() {
		f.Users = append(f.Users, webform.Option{Value: u.Value, Label: u.Label, Selected: u.Value == q.User.ID})
	}
	return f
}

// swapShift puts somebody else on duty for a while: whom an operator may, see
// engine.SwapShifts.
func (w *Pages) swapShift(q *frame.Request) error {
	r, err := w.Engine.OnCall.StoredRota(q.ID())
	if err != nil {
		return err
	}
	zone, err := rota.LoadZone(r.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	errs := webform.NewErrors()
	o := engine.RotaOverride{
		User:  q.PostForm.Get("user"),
		Start: ownform.WallTime(q.PostForm.Get("start"), "start", zone, errs),
		End:   ownform.WallTime(q.PostForm.Get("end"), "end", zone, errs),
	}
	if errs.Any() {
		return &engine.Error{Kind: engine.Invalid, Message: "write from when until when, such as 2026-01-05T09:00"}
	}
	r.Overrides = append(slices.Clone(r.Overrides), o)
	store := w.Engine.Rotas.SaveRota
	if !q.User.Role.Can(access.Editor) {
		store = w.Engine.Rotas.SwapShifts
	}
	if _, err := store(q.Context(), q.By(), r); err != nil {
		return frame.Plainly(err)
	}
	return q.Redirect("/rotas/" + url.PathEscape(r.ID) + "?done=swapped")
}

// refreshRota reads the feed now and comes back when it is read.
func (w *Pages) refreshRota(q *frame.Request) error {
	if _, err := w.Engine.OnCall.RefreshRota(q.Context(), q.ID()); err != nil {
		return err
	}
	return q.Redirect("/rotas/" + url.PathEscape(q.ID()) + "?done=refreshed")
}

func (w *Pages) deleteRotaPage(q *frame.Request) error {
	r, err := w.Engine.OnCall.Rota(q.ID())
	if err != nil {
		return err
	}
	path := "/rotas/" + url.PathEscape(r.ID)
	return w.AskDelete(q, "rotas", frame.DeletePage{What: "rota", Name: r.Name, Revision: r.Revision, Action: path + "/delete", Back: path,
		Effects: []string{"Services and instances that name it turn to the default rota.", "Who was on duty when stays in what has happened."}})
}

func (w *Pages) deleteRota(q *frame.Request) error {
	if err := w.Engine.Rotas.DeleteRota(q.Context(), q.By(), q.ID(), q.DeleteRevision()); err != nil {
		return err
	}
	return q.Deleted(engine.KindRota)
}
