package web

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"moonwatch/engine"
)

func (w *checkPages) runCheck(q *request) error {
	c, err := w.engine.Checks.StoredCheck(q.id())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(q.Context(), c.Timeout.Std()+30*time.Second)
	defer cancel()
	r, err := w.engine.RunCheck(ctx, c.ID)
	if err != nil {
		return err
	}
	done := "ran"
	if r == nil {
		done = "norun"
	}
	return q.redirect("/checks/" + url.PathEscape(c.ID) + "?done=" + done)
}

func (w *checkPages) deleteCheckPage(q *request) error {
	c, err := w.engine.Checks.Check(q.id())
	if err != nil {
		return err
	}
	effects := []string{"Its results are deleted, and do not come back."}
	if len(c.Services)+len(c.InstanceIDs) > 0 {
		effects = append(effects, "It is taken out of what it belongs to. If it is what fails there, the incident closes.")
	}
	return w.askDelete(q, "checks", deletePage{What: "check", Name: c.Name, Effects: effects, Revision: c.Revision,
		Action: "/checks/" + c.ID + "/delete", Back: "/checks/" + c.ID})
}

func (w *checkPages) deleteCheck(q *request) error {
	if err := w.engine.Checks.DeleteCheck(q.Context(), q.by(), q.id(), q.deleteRevision()); err != nil {
		return err
	}
	return q.deleted(engine.KindCheck)
}

func (q *request) deleteRevision() *uint64 {
	if n := revision(q.PostForm); n > 0 {
		return &n
	}
	return nil
}

// linkCheck adds a check to a service or instance ("services/ID").
func (w *checkPages) linkCheck(q *request) error {
	id := q.id()
	if _, err := w.engine.Checks.StoredCheck(id); err != nil {
		return err
	}
	kind, subject, _ := strings.Cut(q.PostForm.Get("subject"), "/")
	var err error
	switch kind {
	case "services":
		var s engine.Service
		if s, err = w.engine.Targets.StoredService(subject); err == nil && !slices.Contains(s.StatusChecks, id) {
			s.StatusChecks = append(slices.Clone(s.StatusChecks), id)
			_, err = w.engine.Targets.SaveService(q.Context(), q.by(), s)
		}
	case "instances":
		var i engine.Instance
		if i, err = w.engine.Targets.StoredInstance(subject); err == nil && !slices.Contains(i.StatusChecks, id) {
			i.StatusChecks = append(slices.Clone(i.StatusChecks), id)
			_, err = w.engine.Targets.SaveInstance(q.Context(), q.by(), i)
		}
	default:
		err = &engine.Error{Kind: engine.Invalid, Message: "choose a service or an instance"}
	}
	if err != nil {
		return err
	}
	return q.redirect("/checks/" + id + "?done=linked")
}
