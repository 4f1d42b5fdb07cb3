package web_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/form"
)

// doorCheck makes a check of the door.
func (m *program) doorCheck(t *testing.T, address string) string {
	t.Helper()
	c := engine.NewCheck()
	c.Name, c.Plugin, c.Interval = "Front door", "door", engine.Duration(365*24*time.Hour)
	c.Config = form.Values{"address": address}
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		saved, err := m.engine.Checks.SaveCheck(t.Context(), engine.Actor{Name: "test", Role: access.Admin}, c)
		if err == nil {
			return saved.ID
		} else if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// otherCheck makes a check of another plugin.
func (m *program) otherCheck(t *testing.T, slug string) string {
	t.Helper()
	c := engine.NewCheck()
	c.Name, c.Plugin, c.Active = "Another", slug, false
	c.Config = form.Values{"host": "127.0.0.1", "port": 1.0}
	saved, err := m.engine.Checks.SaveCheck(t.Context(), engine.Actor{Name: "test", Role: access.Admin}, c)
	if err != nil {
		t.Fatal(err)
	}
	return saved.ID
}

// message runs a check and gives what it says.
func (m *program) message(t *testing.T, check string) string {
	t.Helper()
	r, err := m.engine.RunCheck(t.Context(), check)
	if err != nil || r == nil {
		t.Fatalf("result %v, %v", r, err)
	}
	return r.Message + r.Error
}

// caret puts the caret behind a text of the file in the editor.
func (b *browser) caret(behind string) {
	b.t.Helper()
	if !eval[bool](b, fmt.Sprintf(`(() => { const a = document.querySelector('[name="text.0"]'), at = a.value.indexOf(%q) + %d;
	  a.focus(); a.setSelectionRange(at, at); return at >= %d; })()`, behind, len(behind), len(behind))) {
		b.t.Fatalf("the editor does not hold %q", behind)
	}
}

// keys types where the caret is.
func (b *browser) keys(text string) {
	b.t.Helper()
	b.do("type "+text, chromedp.KeyEvent(text))
}

// looks measures the open page on a narrow and a wide screen.
func (b *browser) looks(name string) {
	b.t.Helper()
	b.measure(name, 360, 1280)
	b.screen(1280, "light")
}

// TestEditingAPlugin edits a plugin that a check uses: sees a problem beside its
// line, tries the draft, saves it, sees it live, and goes back.
func TestEditingAPlugin(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes its time")
	}
	chromium(t)
	t.Parallel()
	d, m := newDoor(t), newMonitor(t)
	m.save(t, "door.lua", doorPlugin)
	b := openBrowser(t, m.url)
	b.setUp()
	check := m.doorCheck(t, d.url)
	if got := m.message(t, check); got != "the door is shut" {
		t.Fatalf("before, the check says %q", got)
	}

	b.open("/plugins/door")
	b.looks("plugin-page")
	b.click(`a[href="/plugin-source/door"]`)
	b.sees(".lua-keyword", "function")
	b.looks("plugin-source")
	b.click(`a[href="/plugin-editor/door"]`)
	b.sees("#found", "It loads.")
	b.here()

	// A name is completed.
	b.caret("local response, why = ")
	b.keys("http.ge")
	b.sees(".words [aria-selected=true]", "get(url, [options])")
	if dir := os.Getenv("MOONWATCH_SCREENSHOTS"); dir != "" {
		b.picture(filepath.Join(dir, "plugin-words.png"))
	}
	b.keys("\t")
	if got := eval[string](b, `document.querySelector('[name="text.0"]').value`); !strings.Contains(got, "why = http.gethttp.get(check") {
		t.Errorf("completed to %q", got)
	}
	for range "http.get" {
		b.keys("\b")
	}
	if got := eval[string](b, `document.querySelector('[name="text.0"]').value`); got != doorPlugin[1:] && got != doorPlugin {
		t.Errorf("the text is not what it was: %q", got)
	}

	// A problem appears beside its line, and goes.
	b.caret(`result.error = "the door is open"`)
	b.keys(" then")
	b.sees(".code-lines .is-error .problem-text", "then")
	line := strings.Count(doorPlugin[:strings.Index(doorPlugin, `result.error = "the door is open"`)], "\n") + 1
	if got := eval[string](b, `document.querySelector(".code-gutter .is-error").textContent`); got != fmt.Sprint(line) {
		t.Errorf("the problem stands beside line %s, want %d", got, line)
	}
	b.looks("plugin-problem")
	b.caret(`"the door is open" then`)
	for range " then" {
		b.keys("\b")
	}
	b.sees("#found", "It loads.")
	if eval[bool](b, `!!document.querySelector(".code-lines .is-error")`) {
		t.Error("the problem that was mended is still marked")
	}

	// What the linter finds appears there, too, and the list leads to it.
	b.caret(`result.error = "the door is open"`)
	b.keys(" .. responze")
	b.sees(".code-lines .is-warning .problem-text", "responze is not defined")
	b.sees("#found", fmt.Sprintf("door.lua:%d:", line))
	b.looks("plugin-lint")
	b.click("#found a")
	if got := eval[string](b, `(() => { const a = document.activeElement; return a.value.slice(a.selectionStart).split("\n")[0]; })()`); got != "responze" {
		t.Errorf("the finding leads to %q", got)
	}
	b.caret(`"the door is open" .. responze`)
	for range " .. responze" {
		b.keys("\b")
	}
	b.sees("#found:not(:has(li))", "It loads.")
	if eval[bool](b, `!!document.querySelector(".code-lines .is-warning")`) {
		t.Error("the finding that was mended is still marked")
	}

	// The draft is tried with the settings of the check: nothing is saved.
	b.caret(`the door is shut`)
	b.keys(" and locked")
	b.caret(`version = "0.1`)
	b.keys("1")
	b.do("choose the check", chromedp.SetValue(chromedp.CSS(`[name="try_check"]`), check))
	b.click("[data-try]")
	b.sees("#try", "the door is shut and locked")
	b.sees("#try", "the door answers 200")
	b.sees("#try .calls", "GET "+d.url)
	b.click("#try .calls summary")
	b.sees("#try .calls pre", "200")
	b.looks("plugin-tried")
	b.stayed()
	if got := m.message(t, check); got != "the door is shut" {
		t.Errorf("after a try the check says %q", got)
	}

	// It is saved after a look at the difference, and live under the check.
	b.click(`button.primary[value=save]`)
	b.sees(".diff .d-in", "the door is shut and locked")
	b.sees(".diff .d-out", "the door is shut")
	b.looks("plugin-save")
	b.click(`button[value=write]`)
	b.sees("#plugin-head", "version 0.11")
	if got := m.message(t, check); got != "the door is shut and locked" {
		t.Errorf("after the save the check says %q", got)
	}
	b.open("/checks/" + check)
	b.sees("#check-head", "Passing")
	b.sees("main", "the door is shut and locked")

	// The version before is looked at, and brought back.
	b.open("/plugins/door")
	b.sees("table.list", "ada")
	b.looks("plugin-versions")
	b.click(`tr:last-child a[href^="/plugin-versions/door/"]`)
	b.sees(".diff .d-out", "locked")
	b.looks("plugin-version")
	b.click(`button[value=restore]`)
	b.sees("#plugin-head", "version 0.1")
	b.sees(".note", "that version is in force again")
	if got := m.message(t, check); got != "the door is shut" {
		t.Errorf("after going back the check says %q", got)
	}
	if text, err := os.ReadFile(filepath.Join(m.dir, "door.lua")); err != nil || string(text) != doorPlugin {
		t.Errorf("the file is not what it was: %v", err)
	}

	// The file is deleted, after a question that names the check.
	b.click(`a[href="/plugin-delete/door"]`)
	b.sees("main", "Front door")
	b.looks("plugin-delete")
	b.click("button.danger")
	b.sees("#plugin-head", "The file is gone")
	b.looks("plugin-deleted")
	b.clean()
}
