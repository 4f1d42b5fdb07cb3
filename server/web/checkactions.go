package web

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/server/web/frame"
)

func (w *checkPages) runCheck(q *frame.Request) error {
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

func (w *checkPages) deleteCheckPage(q *frame.Request) error {
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

func (w *checkPages) deleteCheck(q *frame.Request) error {
	if err := w.Engine.Checks.DeleteCheck(q.Context(), q.By(), q.ID(), deleteRevision(q)); err != nil {
		return err
	}
	return q.Deleted(engine.KindCheck)
}

func deleteRevision(q *frame.Request) *uint64 {
	if n := frame.Revision(q.PostForm); n > 0 {
		return &n
	}
	return nil
}

// linkCheck adds a check to a service or instance ("services/ID").
func (w *checkPages) linkCheck(q *frame.Request) error {
	id := q.ID()
	if _, err := w.Engine.Checks.StoredCheck(id); err != nil {
		return err
	}
	kind, subject, _ := strings.Cut(q.PostForm.Get("subject"), "/")
	var err error
	switch kind {
	case "services":
		var s engine.Service
		if s, err = w.Engine.Targets.StoredService(subject); err == nil && !slices.Contains(s.StatusChecks, id) {
			s.StatusChecks = append(slices.Clone(s.StatusChecks), id)
			_, err = w.Engine.Targets.SaveService(q.Context(), q.By(), s)
		}
	case "instances":
		var i engine.Instance
		if i, err = w.Engine.Targets.StoredInstance(subject); err == nil && !slices.Contains(i.StatusChecks, id) {
			i.StatusChecks = append(slices.Clone(i.StatusChecks), id)
			_, err = w.Engine.Targets.SaveInstance(q.Context(), q.By(), i)
		}
	default:
		err = &engine.Error{Kind: engine.Invalid, Message: "choose a service or an instance"}
	}
	if err != nil {
		return err
	}
	return q.Redirect("/checks/" + id + "?done=linked")
}
