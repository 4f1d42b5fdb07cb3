package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/alert"
)

const doorPlugin = `
local forms, http, log = require "forms", require "http", require "log"
local Door = {
  name = "Door", slug = "door", author = "Ada", version = "0.1", summary = "Asks whether a door is shut.", font_icon = "fa fa-lock",
  config_form = {
    forms.URLField{ "address", help_text = "Where the door answers." },
    forms.ChoiceField{ "kind", choices = { {"plain", "A plain door"}, {"lock", "A door with a lock"} }, initial = "plain" },
    forms.CharField{ "lock_name", show_if = { kind = "lock" } },
    forms.ListField{ "hinges", required = false, fields = { forms.CharField{ "name" } } },
  },
}
function Door:run(check, result)
  local response, why = http.get(check.address)
  if not response then result.error = why return result end
  log.info("the door answers " .. response.status) log.info(check.kind .. " " .. check.lock_name)
  for _, hinge in ipairs(check.hinges) do log.info(hinge.name) end
  result:metric("first_byte", response.timings.first_byte, "s")
  result.raw_data = response.body
  if response.status == 200 then
    result.succeeded, result.message = true, "the door is shut"
  else
    result.error = "the door is open"
  end
  return result
end
return Door
`

const bellPlugin = `
local forms, http = require "forms", require "http"
local Bell = {
  name = "Bell", slug = "bell", author = "Ada", version = "0.1", summary = "Rings.", font_icon = "fa fa-bell", channel = "chat",
  service_config_form = { forms.URLField{ "address" } },
}
function Bell:send_alert(service, users, duty_officers)
  local response, why = http.post(service.bell_settings.address, { body = service.alert_kind .. " " .. service.name })
  if not response then return false, why end
  return true
end
return Bell
`

// door is what the newcomer watches: a door, and a bell that rings.
type door struct {
	open  atomic.Bool
	mu    sync.Mutex
	rings []string
	url   string
}

func newDoor(t *testing.T) *door {
	d := &door{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			body, _ := io.ReadAll(r.Body)
			d.mu.Lock()
			d.rings = append(d.rings, string(body))
			d.mu.Unlock()
			return
		}
		if d.open.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		fmt.Fprint(w, "<b>creak</b>")
	}))
	t.Cleanup(s.Close)
	d.url = s.URL
	return d
}

func (d *door) rang() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.rings...)
}

// TestTheNewcomersWay goes the whole way of somebody who never saw the program.
func TestTheNewcomersWay(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes its time")
	}
	chromium(t)
	t.Parallel()
	d, m := newDoor(t), newMonitor(t)
	b := openBrowser(t, m.url)

	b.open("/")
	b.sees("main", "open that link")
	b.open("/setup?token=" + setUpToken)
	b.fill("username", "ada")
	b.fill("password", "short")
	b.click("button.primary")
	b.sees("#errors", "10")
	b.fill("password", "correct horse battery")
	b.click("button.primary")
	b.sees("main", "Nothing is watched yet")
	b.click(`.rail button.link`)
	b.sees("h1", "Log in")
	b.fill("username", "ada")
	b.fill("password", "correct horse battery")
	b.click("button.primary")
	b.sees("h1", "Nothing is watched yet")

	// A plugin that is saved appears on the open page.
	b.click(`a[href="/checks/new"]`)
	b.sees("h1", "New check")
	b.here()
	m.save(t, "door.lua", doorPlugin)
	m.save(t, "bell.lua", bellPlugin)
	b.sees("#plugin-cards", "Asks whether a door is shut.")
	b.stayed()
	b.click(`a[href="/checks/new?plugin=door"]`)

	// A form with a mistake, a condition, rows, and a try.
	b.sees("h1", "New check")
	b.fill("name", "Front door")
	b.click(`button.primary[value=save]`)
	b.sees("#errors", "Address")
	b.sees(`[data-field="config.address"] .error`, "required")
	if focused := eval[string](b, `document.activeElement.id`); focused != "errors" {
		t.Errorf("the focus is on %q, not on the summary of errors", focused)
	}
	if !eval[bool](b, `document.querySelector('[data-field="config.lock_name"]').hidden`) {
		t.Error("a field that does not apply is shown")
	}
	b.do("choose", chromedp.SetValue(chromedp.CSS(`[name="config.kind"]`), "lock"))
	eval[bool](b, `document.querySelector('[name="config.kind"]').dispatchEvent(new Event("input", { bubbles: true }))`)
	b.sees(`[data-field="config.lock_name"]`, "Lock name")
	b.fill("config.lock_name", "Yale")
	b.click("[data-add-row]")
	b.fill("config.hinges.0.name", "upper")
	b.click("[data-add-row]")
	b.fill("config.hinges.1.name", "lower")
	b.click(`[data-row]:first-child [data-remove-row]`)
	b.fill("config.address", d.url)
	b.here()
	b.click("[data-try]")
	b.sees("#try", "the door is shut")
	b.sees("#try", "the door answers 200")
	b.sees("#try", "<b>creak</b>")
	b.stayed()
	b.click(`button.primary[value=save]`)
	b.sees("h1", "Front door")
	b.sees("#check-head", "Passing")
	b.sees("#check-head", "belongs to no service")
	check := m.engine.Checks.Checks()[0]
	if rows, _ := check.Config["hinges"].([]any); len(rows) != 1 {
		t.Errorf("the rows are %v", check.Config["hinges"])
	}

	// A service that tells somebody.
	b.click(`a[href^="/services/new?check="]`)
	b.sees("h1", "New service")
	b.fill("name", "House")
	b.click(`[name="alerts.bell"]`)
	b.fill("alerts.bell.settings.address", d.url+"/bell")
	b.click(`button.primary[value=save]`)
	b.sees("h1", "House")
	b.sees("#subject-head", "Passing")

	// It breaks: seen without a reload.
	b.open("/")
	b.sees("h1", "All quiet")
	b.here()
	d.open.Store(true)
	if _, err := m.engine.RunCheck(t.Context(), check.ID); err != nil {
		t.Fatal(err)
	}
	b.sees("h1", "One thing needs you")
	b.sees("#rows-error", "the door is open")
	b.stayed()
	b.click(`.rail a[href="/deliveries"]`)
	b.sees("#list", "It broke: House")
	b.sees("#list", "Sent")

	// The delivery leads to the incident, which says what is broken and who was told.
	b.click("#list td.main a")
	b.sees("#delivery", "Sent")
	b.click(`.crumb a[href^="/incidents/"]`)
	b.sees(".failing", "the door is open")
	b.sees(".chain", "not acknowledged for")
	b.sees("#moments", "told by Bell")

	// And recovers: by a button, and on the open page of the check.
	d.open.Store(false)
	b.open("/checks/" + check.ID)
	b.sees("#check-head", "the door is open")
	b.click(`form[action$="/run"] button`)
	b.sees("#check-head", "Passing")
	b.here()
	eval[chromedp.Void](b, "scrollTo(0, 300)")
	eval[bool](b, `window.moved = [], Element.prototype.animate = function () { window.moved.push(this.parentNode.getAttribute("class")) }, true`)
	d.open.Store(true)
	if _, err := m.engine.RunCheck(t.Context(), check.ID); err != nil {
		t.Fatal(err)
	}
	b.sees("#check-head", "the door is open")
	b.stayed()
	b.until("the newest result to enter its strip, and nothing else to move", `window.moved.join() === "strip"`)
	b.until("the moon to be in shadow, in the head and in the tab", `document.querySelector(".bar .moon .shadow") && document.querySelector("link[rel=icon]").getAttribute("href") === "/moon/16.svg"`)
	// The browser keeps what is read in its place when a line above it comes or goes.
	if scrolled := eval[float64](b, "scrollY"); scrolled < 240 || scrolled > 360 {
		t.Errorf("the page jumped from 300 to %v", scrolled)
	}
	d.open.Store(false)
	if _, err := m.engine.RunCheck(t.Context(), check.ID); err != nil {
		t.Fatal(err)
	}
	b.open("/deliveries")
	b.sees("#list", "Back to normal: House")
	for end := time.Now().Add(5 * time.Second); len(d.rang()) < 4 && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	if got := strings.Join(d.rang(), ", "); got != "firing House, recovery House, firing House, recovery House" {
		t.Errorf("the bell rang %s", got)
	}
	b.clean()
	b.manyTabs(m, check.ID, d)
	b.listInItsOrder()

	b.everyPage(m)
}

// manyTabs opens more tabs than a browser has connections to a server: all load, and
// all follow, through one stream.
func (b *browser) manyTabs(m *program, check string, d *door) {
	b.t.Helper()
	tabs := []*browser{b}
	b.open("/checks/" + check)
	for range 11 {
		one := b.tab()
		one.open("/checks/" + check)
		one.sees("#check-head", "Passing")
		tabs = append(tabs, one)
	}
	d.open.Store(true)
	if _, err := m.engine.RunCheck(b.ctx, check); err != nil {
		b.t.Fatal(err)
	}
	for _, one := range tabs {
		one.sees("#check-head", "the door is open")
		one.clean()
	}
	b.until("one stream of all tabs", `(fetch("/metrics").then((r) => r.text()).then((text) => { window.metrics = text }), /moonwatch_event_streams 1\b/.test(window.metrics))`)
	d.open.Store(false)
	if _, err := m.engine.RunCheck(b.ctx, check); err != nil {
		b.t.Fatal(err)
	}
	for _, one := range tabs[1:] {
		chromedp.Cancel(one.ctx)
	}
}

// listInItsOrder points at a list while its order changes: it is put in order once it
// is left, and what is new to it comes last until then. What is new is spoken.
func (b *browser) listInItsOrder() {
	b.t.Helper()
	b.open("/settings") // which follows nothing
	eval[bool](b, `(import([...document.scripts].find((s) => s.src.includes("pages.")).src.replace("pages.js", "live.js")).then((m) => { window.live = m }), true)`)
	b.until("the module", `!!window.live`)
	page := func(ids string) string {
		return fmt.Sprintf(`live.patch(new DOMParser().parseFromString('<title>t</title><main><ul id="order" data-live>' + %q.split(" ").map((id) => '<li id="' + id + '" data-say="' + id + ' is critical.">' + id + '</li>').join("") + '</ul></main>', "text/html"))`, ids)
	}
	order := `[...document.querySelectorAll("#order li")].map((e) => e.id + (e.classList.contains("gone") ? "-" : "")).join(" ")`
	eval[bool](b, `(document.querySelector("main").innerHTML = '<ul id="order" data-live></ul>', true)`)
	show := func(ids, want string) {
		b.t.Helper()
		eval[bool](b, "("+page(ids)+", true)")
		if got := eval[string](b, order); got != want {
			b.t.Errorf("%q is shown as %q, want %q", ids, got, want)
		}
	}
	show("one two three", "one two three")
	b.until("what is new to be spoken", `document.getElementById("spoken").textContent === "one is critical. two is critical. three is critical."`)
	show("three one two", "three one two") // nobody points at it
	b.do("point at the list", chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 400, eval[float64](b, `document.getElementById("order").getBoundingClientRect().top + 5`)))
	b.until("the list to be pointed at", `document.getElementById("order").matches(":hover")`)
	show("four two one", "three- one two four")
	b.until("what is new to be spoken", `document.getElementById("spoken").textContent === "four is critical."`)
	b.do("leave the list", chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 5, 5))
	b.until("the list in its order", order+` === "four two one"`)
}

// problems measures a page as it is drawn: text that is hard to read on its
// ground, and what sticks out at the side.
const problems = `(() => {
  const out = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) {
    const wide = [...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > root.clientWidth + 1 && !e.closest(".scroll, .hidden"));
    out.push("wider than the window by " + (root.scrollWidth - root.clientWidth) + ": " + (wide[0]?.outerHTML ?? "").slice(0, 160));
  }
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  canvas.canvas.width = canvas.canvas.height = 1;
  const known = new Map();
  const rgba = (color) => {
    if (!known.has(color)) {
      canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
      known.set(color, [r, g, b, a / 255]);
    }
    return known.get(color);
  };
  const over = (top, ground) => [0, 1, 2].map((i) => top[i] * top[3] + ground[i] * (1 - top[3]));
  const ground = (e) => e ? over(rgba(getComputedStyle(e).backgroundColor), ground(e.parentElement)) : over(rgba("canvas"), [255, 255, 255]);
  const light = (c) => { const [r, g, b] = c.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const said = new Set();
  while (texts.nextNode()) {
    const e = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !e.checkVisibility() || e.closest("svg, option, .hidden, .skip, :disabled")) continue;
    const back = ground(e), front = over(rgba(getComputedStyle(e).color), back);
    const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const name = e.tagName + "." + e.className;
    if (ratio < 4.5 && !said.has(name)) { said.add(name); out.push("contrast " + ratio.toFixed(2) + " of " + name + ": " + texts.currentNode.data.trim().slice(0, 40)); }
  }
  return out;
})()`

// peopleAndSilences adds a second user, a rota of both that the service names, and
// two silences; it returns the ids of the rota and of the silence that holds.
func (b *browser) peopleAndSilences(m *program) (rota, silence string) {
	t := b.t
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	by := engine.Actor{User: m.engine.Users.Users()[0].ID, Name: "ada", Role: access.Admin, Via: "page"}
	grace := engine.NewUser()
	grace.Username, grace.FirstName, grace.LastName, grace.Email, grace.Role = "grace", "Grace", "Hopper", "grace@example.org", access.Editor
	grace.QuietHours = []engine.QuietHours{{Days: []string{"sat", "sun"}, Start: "22:00", End: "08:00"}}
	other, err := m.engine.Users.SaveUser(b.ctx, by, grace, "a long password", "")
	must(err)
	now := time.Now().UTC().Truncate(time.Hour)
	r := engine.NewRota()
	r.Name, r.FallbackUser = "Nights and weekends", by.User
	r.Rotation = &engine.RotaRotation{Members: []string{by.User, other.ID}, Every: "1w", Starts: now.AddDate(0, 0, -11).Format("2006-01-02") + "T09:00"}
	r.Overrides = []engine.RotaOverride{{User: other.ID, Start: now.Add(30 * time.Hour), End: now.Add(54 * time.Hour)}}
	savedRota, err := m.engine.Rotas.SaveRota(b.ctx, by, r)
	must(err)
	hand := engine.NewRota()
	hand.Name, hand.Overrides = "Release days", []engine.RotaOverride{{User: other.ID, Start: now.Add(-time.Hour), End: now.Add(9 * time.Hour)}, {User: by.User, Start: now.Add(4 * time.Hour), End: now.Add(60 * time.Hour)}}
	_, err = m.engine.Rotas.SaveRota(b.ctx, by, hand)
	must(err)
	s, err := m.engine.Targets.StoredService(m.engine.Targets.Services()[0].ID)
	must(err)
	s.Rotas, s.Tags = []string{savedRota.ID}, []string{"shop"}
	s.Escalation = []engine.EscalationStep{{After: engine.Duration(15 * time.Minute), Users: []string{other.ID}, Plugins: []string{"bell"}}}
	_, err = m.engine.Targets.SaveService(b.ctx, by, s)
	must(err)
	held, err := m.engine.Silences.SaveSilence(b.ctx, by, engine.Silence{Services: []string{s.ID}, StartsAt: now.Add(-time.Hour), EndsAt: now.Add(2 * time.Hour), Comment: "The new lock is being fitted", Maintenance: true})
	must(err)
	_, err = m.engine.Silences.SaveSilence(b.ctx, by, engine.Silence{Tags: []string{"backup"}, StartsAt: now.Add(12 * time.Hour), EndsAt: now.Add(14 * time.Hour), RRule: "FREQ=DAILY", TimeZone: "Europe/Berlin", Comment: "Backups run"})
	must(err)
	incidents, err := m.engine.Incidents.Incidents(b.ctx, alert.IncidentQuery{})
	must(err)
	_, err = m.engine.Incidents.AddNote(b.ctx, by, incidents[0].ID, "The door was stuck. Oiled the hinges, ordered a new lock.")
	must(err)
	return savedRota.ID, held.ID
}

// everyPage looks at each page in light and dark, narrow and wide. With
// MOONWATCH_SCREENSHOTS=DIR it leaves a picture of each.
func (b *browser) everyPage(m *program) {
	b.t.Helper()
	check, service := m.engine.Checks.Checks()[0], m.engine.Targets.Services()[0]
	incidents, _ := m.engine.Incidents.Incidents(b.ctx, alert.IncidentQuery{})
	deliveries, _ := m.engine.Incidents.Deliveries(b.ctx, alert.DeliveryQuery{})
	var result string
	m.engine.Checks.ResultsBefore(b.ctx, check.ID, time.Time{}, 0, func(r *engine.Result) bool {
		result = fmt.Sprint(r.Seq)
		return false
	})
	m.save(b.t, "window.lua", "local forms = require \"forms\"\nreturn {\n  name = \"Window\", slug = \"window\" version = \"1\",\n}\n")
	b.open("/plugins")
	b.sees("#list", "window.lua:3")
	b.open("/plugins/window")
	b.sees("#plugin-head", "Does not load")
	b.sees(".source .at", "slug")
	user := m.engine.Users.Users()[0].ID
	rota, silence := b.peopleAndSilences(m)
	only := os.Getenv("MOONWATCH_SCREENSHOTS_OF")
	for name, path := range map[string]string{
		"dashboard": "/", "services": "/services", "service": "/services/" + service.ID, "service-edit": "/services/" + service.ID + "/edit", "instances": "/instances", "instance-new": "/instances/new",
		"checks": "/checks", "check": "/checks/" + check.ID, "check-edit": "/checks/" + check.ID + "/edit", "check-new": "/checks/new", "check-delete": "/checks/" + check.ID + "/delete",
		"http-new": "/checks/new?plugin=http", "result": "/checks/" + check.ID + "/results/" + result, "incidents": "/incidents", "incident": "/incidents/" + incidents[0].ID,
		"deliveries": "/deliveries", "delivery": "/deliveries/" + deliveries[0].ID, "plugins": "/plugins", "plugin": "/plugins/door", "plugin-broken": "/plugins/window", "reference": "/plugin-reference", "plugin-settings": "/plugins/email",
		"users": "/users", "user-new": "/users/new", "profile": "/users/" + user, "profile-email": "/users/" + user + "/alerts/email", "tokens": "/tokens", "settings": "/settings", "not-found": "/nowhere",
		"why": "/incidents/" + incidents[0].ID + "/why", "silences": "/silences", "silence": "/silences/" + silence, "silence-new": "/silences/new?service=" + service.ID,
		"rotas": "/rotas", "rota": "/rotas/" + rota, "rota-new": "/rotas/new", "rota-edit": "/rotas/" + rota + "/edit", "subscriptions": "/subscriptions",
		"report": "/report", "audit": "/audit", "revisions": "/revisions/service/" + service.ID, "check-90d": "/checks/" + check.ID + "?range=90d",
	} {
		if only != "" && !slices.Contains(strings.Split(only, ","), name) {
			continue
		}
		b.open(path)
		b.measure(name, 360, 1280, 2560)
	}
	b.mu.Lock()
	for _, w := range b.wrongs {
		if !strings.Contains(w, "/nowhere") { // that it is not found is told to the console
			b.t.Errorf("the browser says: %s", w)
		}
	}
	b.mu.Unlock()
}

// TestWithoutScripts goes the main way with scripts switched off.
func TestWithoutScripts(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes its time")
	}
	chromium(t)
	t.Parallel()
	d, m := newDoor(t), newMonitor(t)
	m.save(t, "door.lua", doorPlugin)
	b := openBrowser(t, m.url)
	b.setUp()
	b.withoutScripts()
	b.open("/checks/new?plugin=door")
	press := func(selector, wait, want string) {
		t.Helper()
		b.do("press "+selector, chromedp.Click(chromedp.CSS(selector)), chromedp.WaitReady(chromedp.CSS(wait)))
		ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
		defer cancel()
		// The page before may still be there, and may go while it is read.
		for {
			text, err := chromedp.Run(ctx, chromedp.OuterHTML(chromedp.CSS("main")))
			if err == nil && strings.Contains(text, want) {
				return
			}
			if ctx.Err() != nil {
				t.Fatalf("after %s the page does not hold %q: %v %s", selector, want, err, text)
			}
		}
	}
	write := func(name, text string) {
		t.Helper()
		b.do("write "+name, chromedp.SendKeys(chromedp.CSS(`[name="`+name+`"]`), text))
	}
	press("[data-add-row]", `[name="config.hinges.0.name"]`, "Remove")
	press("[data-add-row]", `[name="config.hinges.1.name"]`, "Remove")
	write("config.hinges.0.name", "first")
	write("config.hinges.1.name", "only")
	press(`[value="remove:config.hinges.0"]`, `[name="config.hinges.0.name"][value="only"]`, "only")
	press("[data-try]", "#errors", "This field is required")
	write("config.address", d.url)
	write("name", "Back door")
	press("[data-try]", "#try", "the door is shut")
	press("button.primary[value=save]", "#check-head", "Back door")
	config, _ := json.Marshal(m.engine.Checks.Checks()[0].Config)
	if !strings.Contains(string(config), `"only"`) {
		t.Errorf("saved %s", config)
	}
}
