package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/form"
)

// broken makes a service of checks and waits until it is broken.
func (h *house) broken(name string, change func(*engine.Service), checks ...string) string {
	h.t.Helper()
	s := engine.NewService()
	s.Name, s.StatusChecks = name, checks
	if change != nil {
		change(&s)
	}
	saved, err := h.engine.Targets.SaveService(h.t.Context(), testAdmin(), s)
	if err != nil {
		h.t.Fatal(err)
	}
	h.until(name+" to break", func() bool { return h.service(saved.ID).Incident != nil })
	return saved.ID
}

// TestWhatNeedsSomebody has services that are broken, acknowledged, silenced and
// suppressed: those that are handled stand apart, and count neither in the verdict
// nor in the tab nor in the moon. A check that breaks two services stands once.
func TestWhatNeedsSomebody(t *testing.T) {
	t.Parallel()
	h := peopled(t)
	h.get(access.Viewer, "/").want(t, http.StatusOK, "Nothing is watched yet")
	both := h.check("Shared", "down")
	h.until("the check to fail", func() bool { return h.engine.Checks.Tally().Failing == 1 })
	h.get(access.Editor, "/").want(t, http.StatusOK, "One thing needs you", "no service yet", `id="c-`+both).without(t, "Nothing is watched yet")
	shop, till := h.broken("Shop", nil, both), h.broken("Till", nil, both)
	mail := h.broken("Mail", func(s *engine.Service) { s.Tags = []string{"office", "second"} }, h.check("Inbox", "down"))
	page := h.get(access.Operator, "/").want(t, http.StatusOK, "2 things need you", "<title>(2) Dashboard", "/services/"+mail, `href="/services?tag=office"`).
		without(t, `id="handled"`, "?tag=second").text
	if n := strings.Count(page, `>Shared</a> <span class="error-text"`); n != 1 {
		t.Errorf("the check of two services stands there %d times", n)
	}
	if !strings.Contains(page, `<svg class="strip small"`) {
		t.Error("there is no strip of the last results")
	}

	h.post(access.Operator, "/acknowledge").want(t, http.StatusUnprocessableEntity)
	h.post(access.Viewer, "/acknowledge", "of", "service/"+mail).want(t, http.StatusForbidden)
	h.post(access.Operator, "/acknowledge", "of", "service/"+shop, "of", "service/"+till, "for", "1h", "back", "/").want(t, http.StatusSeeOther)
	if h.service(shop).Acknowledgement == nil || h.service(till).Acknowledgement == nil {
		t.Error("what one row stands for was not acknowledged whole")
	}
	h.get(access.Operator, "/").want(t, http.StatusOK, "One thing needs you", "<title>(1) Dashboard", "1 is being handled", "acknowledged until ", "by the-operator", "error, being handled")

	now := time.Now().UTC()
	s := engine.NewSilence()
	s.Services, s.Comment, s.Maintenance, s.StartsAt, s.EndsAt = []string{mail}, "new disks", true, now.Add(-time.Minute), now.Add(time.Hour)
	if _, err := h.engine.Silences.SaveSilence(t.Context(), testAdmin(), s); err != nil {
		t.Fatal(err)
	}
	h.until("the silence to hold", func() bool {
		return strings.Contains(h.get(access.Viewer, "/").text, "All quiet")
	})
	page = h.get(access.Viewer, "/").want(t, http.StatusOK, "<title>Dashboard", "2 are being handled", "in maintenance</a> until ", " by test", "new disks", `href="/moon/0.svg"`).text
	if strings.Contains(page, "<summary class=\"button small\">") {
		t.Error("what is handled can be acknowledged")
	}
	h.get(access.Viewer, "/wall").want(t, http.StatusOK, "All quiet", `class="wall"`, `data-theme="night"`, "new disks").without(t, `class="rail"`)
}

// TestListsOfServicesAndChecks: lists are chosen by tag and status and ordered by
// their address, and say who is told without leaving out rotas and steps.
func TestListsOfServicesAndChecks(t *testing.T) {
	t.Parallel()
	h := peopled(t)
	down, up := h.check("Inbox", "down"), h.check("Outbox", "up")
	mail := h.broken("Mail", func(s *engine.Service) {
		s.Tags = []string{"office"}
		s.Alerts = []engine.AlertChoice{{Plugin: "pager", Settings: form.Values{"room": "1", "code": "2"}}}
		s.Escalation = []engine.EscalationStep{{After: engine.Duration(time.Minute), Users: []string{h.users[access.Admin].ID}}}
	}, down)
	post := engine.NewService()
	post.Name, post.StatusChecks = "A post", []string{up}
	if _, err := h.engine.Targets.SaveService(t.Context(), testAdmin(), post); err != nil {
		t.Fatal(err)
	}
	h.get(access.Viewer, "/services?tag=office").want(t, http.StatusOK, "Mail", "1 step", "is down ", `<svg class="strip small"`, `href="/services?tag=office"`).without(t, "A post", "1 user")
	h.get(access.Viewer, "/services?status=PASSING").want(t, http.StatusOK, "A post", "fine ", "no alerts").without(t, mail+`">`)
	h.get(access.Viewer, "/services?status=broken").want(t, http.StatusOK, "Mail").without(t, "A post")
	for sort, first := range map[string]string{"": "Mail", "name": "A post"} {
		page := h.get(access.Viewer, "/services?sort="+sort).want(t, http.StatusOK, "aria-sort").text
		if mail, post := strings.Index(page, ">Mail</a>"), strings.Index(page, ">A post</a>"); (mail < post) != (first == "Mail") {
			t.Errorf("by %q, %s is not first", sort, first)
		}
	}
	h.get(access.Viewer, "/checks?sort=name").want(t, http.StatusOK, ">Probe &lt;script", `href="/checks?sort=since"`, `<svg class="strip small"`)
	h.get(access.Viewer, "/checks?tag=none").want(t, http.StatusOK, "No check is like this")
}
