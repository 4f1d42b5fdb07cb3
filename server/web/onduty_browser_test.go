package web_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"moonwatch/engine"
	"moonwatch/engine/access"
)

// TestDutyAndSilenceInTheBrowser makes a rota with rows that a script adds,
// silences a service by the quick action, and subscribes to it.
func TestDutyAndSilenceInTheBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes its time")
	}
	chromium(t)
	t.Parallel()
	m := newMonitor(t)
	b := openBrowser(t, m.url)
	b.setUp()
	ada := m.engine.Users.Users()[0].ID
	s := engine.NewService()
	s.Name = "House"
	saved, err := m.engine.Targets.SaveService(t.Context(), engine.Actor{User: ada, Name: "ada", Role: access.Admin}, s)
	if err != nil {
		t.Fatal(err)
	}

	b.open("/rotas/new")
	b.fill("name", "Nights")
	choose := func(row int) {
		b.do("choose a member", chromedp.SetValue(chromedp.CSS(fmt.Sprintf(`[name="rotation.members.%d.user"]`, row)), ada))
	}
	choose(0)
	b.click(`[data-field="rotation.members"] [data-add-row]`)
	choose(1)
	if !eval[bool](b, `document.querySelector('[data-field="ical_url"]').hidden`) {
		t.Error("the address of a calendar is asked for though people take turns")
	}
	b.click(`[name="source"][value="feed"]`)
	b.sees(`[data-field="ical_url"]`, "Address of the calendar")
	b.click(`[name="source"][value="rotation"]`)
	b.click("button.primary[value=save]")
	b.sees("h1", "Nights")
	b.sees("#week-list", "this week")
	if r := m.engine.OnCall.Rotas()[0]; len(r.Rotation.Members) != 2 {
		t.Errorf("the members are %v", r.Rotation.Members)
	}

	b.open("/services/" + saved.ID)
	b.click("#silence-now summary")
	b.fill("comment", "painting")
	b.click("#silence-now button.primary")
	b.sees("#subject-head", "Silenced by ada: painting")
	b.open("/subscriptions")
	b.click(`[name^="service."][type=checkbox]`)
	b.click("button.primary")
	b.sees("main", "this is who is told")
	if got, _ := m.engine.Targets.Service(saved.ID); strings.Join(got.UsersToNotify, " ") != ada {
		t.Errorf("told are %v", got.UsersToNotify)
	}
	b.clean()
}
