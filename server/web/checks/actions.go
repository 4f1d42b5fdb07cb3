package checks

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/lookup"
)

func (w *Pages) runCheck(q *frame.Request) error {
	c, err := w.Engine.Checks.StoredCheck(q.ID())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(q.Context(), c.Timeout.Std()+30*time.Second)
	defer cancel()
	r, err := w.Engine.RunCheck(ctx, c.ID)
	if err != nil {
		return err
	}
	done := "ran"
	if r == nil {
		done = "norun"
	}
	return q.Redirect("/checks/" + url.PathEscape(c.ID) + "?done=" + done)
}

func (w *Pages) deleteCheckPage(q *frame.Request) error {
	c, err := w.Engine.Checks.Check(q.ID())
	if err != nil {
		return err
	}
	effects := []string{"Its results are deleted, and do not come back."}
	if len(c.Services)+len(c.InstanceIDs) > 0 {
		effects = append(effects, "It is taken out of what it belongs to. If it is what fails there, the incident closes.")
	}
	return w.AskDelete(q, "checks", frame.DeletePage{What: "check", Name: c.Name, Effects: effects, Revision: c.Revision,
		Action: "/checks/" + c.ID + "/delete", Back: "/checks/" + c.ID})
}

func (w *Pages) deleteCheck(q *frame.Request) error {
	if err := w.Engine.Checks.DeleteCheck(q.Context(), q.By(), q.ID(), q.DeleteRevision()); err != nil {
		return err
	}
	return q.Deleted(engine.KindCheck)
}

// linkCheck adds a check to a service or instance ("services/ID").
func (w *Pages) linkCheck(q *frame.Request) error {
	id := q.ID()
	if _, err := w.Engine.Checks.StoredCheck(id); err != nil {
		return err
	}
	plural, subject, _ := strings.Cut(q.PostForm.Get("subject"), "/")
	if plural != "services" && plural != "instances" {
		return &engine.Error{Kind: engine.Invalid, Message: "choose a service or an instance"}
	}
	s, err := w.SubjectStored(engine.Kind(strings.TrimSuffix(plural, "s")), subject)
	if err != nil {
		return err
	}
	if a := &s.Alerting; !slices.Contains(a.StatusChecks, id) {
		a.StatusChecks = append(slices.Clone(a.StatusChecks), id)
		if _, err := lookup.SaveSubject(q, w.Engine, s); err != nil {
			return err
		}
	}
	return q.Redirect("/checks/" + id + "?done=linked")
}
