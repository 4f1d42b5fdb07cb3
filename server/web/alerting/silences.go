package alerting

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/edit"
	"moonwatch/engine/form"
	"moonwatch/engine/silence"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/ownform"
)

// silenceList is the page of all silences: those that hold, come and are over.
type silenceList struct {
	Active, Coming, Over []silenceLine
	More                 int // that are over and not shown
}

// silenceLine is a silence as lists and its own page show it.
type silenceLine struct {
	edit.SilenceView
	Shape  frame.Mark   // holding, coming or over
	Covers []frame.Link // what it names; tags have no Kind
	Repeat string       // in words, "" for once
	Begins time.Time
	Ends   *time.Time
}

// overShown bounds how many past silences are listed.
const overShown = 50

func (w *Pages) silences(q *frame.Request) error {
	var l silenceList
	for _, s := range w.Engine.Silences.Silences() {
		one := w.silenceLine(s)
		switch one.Shape {
		case frame.MarkHolding:
			l.Active = append(l.Active, one)
		case frame.MarkComing:
			l.Coming = append(l.Coming, one)
		default:
			l.Over = append(l.Over, one)
		}
	}
	slices.SortFunc(l.Active, func(a, b silenceLine) int { return frame.Newest(b.Next, a.Next) })
	slices.SortFunc(l.Coming, func(a, b silenceLine) int { return a.Begins.Compare(b.Begins) })
	slices.SortFunc(l.Over, func(a, b silenceLine) int { return b.EndsAt.Compare(a.EndsAt) })
	l.Over, l.More = frame.Cut(l.Over, overShown)
	p := w.NewPage(q, "Silences", "silences")
	p.Events = "types=silence"
	p.Body = l
	w.Render(q.Writer, http.StatusOK, "silences", p)
	return nil
}

func (w *Pages) silenceLine(s edit.SilenceView) silenceLine {
	l := silenceLine{SilenceView: s, Shape: frame.MarkOver, Begins: s.StartsAt, Repeat: repeatWords(s.RRule)}
	now := w.Options.Now()
	next, again := silence.NextStart(&s.Silence, now)
	switch {
	case s.Active:
		l.Shape, l.Ends = frame.MarkHolding, s.Next
	case again:
		l.Shape, l.Begins = frame.MarkComing, next
	}
	for _, id := range s.Services {
		l.Covers = append(l.Covers, w.NameOfSubject(engine.Ref{Kind: engine.KindService, ID: id}))
	}
	for _, id := range s.Instances {
		l.Covers = append(l.Covers, w.NameOfSubject(engine.Ref{Kind: engine.KindInstance, ID: id}))
	}
	for _, id := range s.Checks {
		one := frame.Link{Kind: "checks", ID: id, Name: id}
		if c, err := w.Engine.Checks.StoredCheck(id); err == nil {
			one.Name = c.Name
		}
		l.Covers = append(l.Covers, one)
	}
	for _, tag := range s.Tags {
		l.Covers = append(l.Covers, frame.Link{Name: tag})
	}
	return l
}

func (w *Pages) silencePage(q *frame.Request) error {
	s, err := w.Engine.Silences.Silence(q.ID())
	if err != nil {
		return err
	}
	p := w.NewPage(q, cmp.Or(s.Comment, "Silence"), "silences")
	p.Events = "types=silence"
	p.Body = w.silenceLine(s)
	w.Render(q.Writer, http.StatusOK, "silence", p)
	return nil
}

// quickSilence silences one thing from now on.
func (w *Pages) quickSilence(q *frame.Request) error {
	d, err := form.ParseDuration(q.PostForm.Get("for"))
	if err != nil || d < time.Minute {
		return &engine.Error{Kind: engine.Invalid, Message: "choose how long it is silenced"}
	}
	s := engine.NewSilence()
	s.Comment, s.TimeZone = strings.TrimSpace(q.PostForm.Get("comment")), ownform.ZoneOf(q.User)
	s.StartsAt = w.Options.Now().UTC().Truncate(time.Second)
	s.EndsAt = s.StartsAt.Add(d)
	if id := q.PostForm.Get("service"); id != "" {
		s.Services = []string{id}
	}
	if id := q.PostForm.Get("instance"); id != "" {
		s.Instances = []string{id}
	}
	if id := q.PostForm.Get("check"); id != "" {
		s.Checks = []string{id}
	}
	if _, err := w.Engine.Silences.SaveSilence(q.Context(), q.By(), s); err != nil {
		return frame.Plainly(err)
	}
	return q.Back("/silences", "silenced")
}

// endSilence ends one that holds now: what is planned once ends here, what
// recurs is to be edited.
func (w *Pages) endSilence(q *frame.Request) error {
	v, err := w.Engine.Silences.Silence(q.ID())
	if err != nil {
		return err
	}
	s := v.Silence
	if !v.Active || s.RRule != "" {
		return &engine.Error{Kind: engine.Conflict, Message: "only a silence that holds now and does not recur can be ended here"}
	}
	if s.EndsAt = w.Options.Now().UTC(); !s.EndsAt.After(s.StartsAt) {
		s.EndsAt = s.StartsAt.Add(time.Second)
	}
	if _, err := w.Engine.Silences.SaveSilence(q.Context(), q.By(), s); err != nil {
		return frame.Plainly(err)
	}
	return q.Back("/silences/"+url.PathEscape(s.ID), "silence-ended")
}

func (w *Pages) deleteSilencePage(q *frame.Request) error {
	s, err := w.Engine.Silences.Silence(q.ID())
	if err != nil {
		return err
	}
	effects := []string{"What it covered is alerted about again from now on."}
	if s.Maintenance {
		effects = append(effects, "Maintenance that has been stays left out of uptime figures.")
	}
	path := "/silences/" + url.PathEscape(s.ID)
	return w.AskDelete(q, "silences", frame.DeletePage{
		What:     "silence",
		Name:     cmp.Or(s.Comment, "this silence"),
		Effects:  effects,
		Revision: s.Revision,
		Action:   path + "/delete",
		Back:     path,
	})
}

func (w *Pages) deleteSilence(q *frame.Request) error {
	if err := w.Engine.Silences.DeleteSilence(q.Context(), q.By(), q.ID(), q.DeleteRevision()); err != nil {
		return err
	}
	return q.Deleted(engine.KindSilence)
}
