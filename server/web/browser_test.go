package web_test

import (
	"context"
	"fmt"
	"hash/crc32"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/monitor"
	"moonwatch/luaapi"
	"moonwatch/luaapi/host"
	"moonwatch/plugins"
	"moonwatch/server"
	"moonwatch/storage"
	"moonwatch/storage/seal"
)

// The browser tests run a whole monitor and a headless Chromium. They are
// skipped where there is none, unless MOONWATCH_BROWSER_TESTS=required.

// chromium finds the browser, or skips the test.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("MOONWATCH_BROWSER_TESTS") == "required" {
		t.Fatal("no Chromium is installed, and MOONWATCH_BROWSER_TESTS=required")
	}
	t.Skip("no Chromium is installed")
	return ""
}

// browser is a tab that notes what goes wrong in it.
type browser struct {
	t    *testing.T
	ctx  context.Context
	base string

	mu     sync.Mutex
	wrongs []string
}

// TestMain ends the browser after the tests, if one of them started it.
func TestMain(m *testing.M) {
	access.HashCheaply()
	code := m.Run()
	if chrome.ctx != nil {
		chromedp.Cancel(chrome.ctx)
	}
	os.Exit(code)
}

// chrome is the browser of all tests; to start one takes longer than most of them.
var chrome struct {
	once sync.Once
	ctx  context.Context
	err  error
}

// openBrowser opens a tab with cookies of its own, as in a browser of its own.
func openBrowser(t *testing.T, base string) *browser {
	t.Helper()
	path := chromium(t)
	chrome.once.Do(func() {
		flags := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
			chromedp.Flag("disable-quic", true), chromedp.NoFirstRun, chromedp.Flag("disable-background-networking", true),
			chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
		allocator, _ := chromedp.NewExecAllocator(context.Background(), flags...)
		chrome.ctx, _ = chromedp.NewContext(allocator)
		chrome.err = chromedp.Do(chrome.ctx) // starts the browser, which lives as long as this context
	})
	if chrome.err != nil {
		t.Fatal(chrome.err)
	}
	return openTab(t, base, chrome.ctx, chromedp.WithNewBrowserContext())
}

// tab opens one more tab of the same browser.
func (b *browser) tab() *browser { b.t.Helper(); return openTab(b.t, b.base, b.ctx) }

func openTab(t *testing.T, base string, parent context.Context, options ...chromedp.ContextOption) *browser {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(parent, options...)
	t.Cleanup(func() { chromedp.Cancel(ctx); closeTab() })
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t, ctx: ctx, base: base}
	err := chromedp.Listen(ctx, func(event any) {
		switch event := event.(type) {
		case *runtime.EventExceptionThrown:
			b.wrong("exception: " + event.ExceptionDetails.Text)
		case *log.EventEntryAdded: // refused by the policy, not found, …
			if event.Entry.Level == "error" && !strings.Contains(event.Entry.Text, "422") {
				b.wrong(event.Entry.Text + " " + event.Entry.URL)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	// Every tab is to be as one in front, for what depends on the focus.
	b.do("give the focus", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
		return err
	}))
	b.screen(1280, "light")
	return b
}

func (b *browser) wrong(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wrongs = append(b.wrongs, text)
}

// clean fails when something went wrong in the browser.
func (b *browser) clean() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, w := range b.wrongs {
		b.t.Errorf("the browser says: %s", w)
	}
	b.wrongs = nil
}

// step is one action in the browser that returns nothing.
type step = chromedp.Action[chromedp.Void]

// do runs steps, each within ten seconds.
func (b *browser) do(what string, steps ...step) {
	b.t.Helper()
	for _, one := range steps {
		ctx, cancel := context.WithTimeout(b.ctx, 10*time.Second)
		err := chromedp.Do(ctx, one)
		cancel()
		if err != nil {
			b.fatal(what, err)
		}
	}
}

// fatal ends the test with what the page shows.
func (b *browser) fatal(what string, err error) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 2*time.Second)
	defer cancel()
	at, _ := chromedp.Run(ctx, chromedp.Location())
	text, _ := chromedp.Run(ctx, chromedp.Text(chromedp.CSS("main")))
	b.t.Fatalf("%s: %v, at %s: %s %v", what, err, at, text, b.wrongs)
}

// open goes to a path.
func (b *browser) open(path string) {
	b.t.Helper()
	b.do("open "+path, chromedp.Navigate(b.base+path), chromedp.WaitReady(chromedp.CSS("main")))
}

// sees waits until an element that the selector finds shows a text.
func (b *browser) sees(selector, text string) {
	b.t.Helper()
	b.until(fmt.Sprintf("%q in %s", text, selector), fmt.Sprintf(`[...document.querySelectorAll(%q)].some((e) => e.checkVisibility() && e.innerText.includes(%q))`, selector, text))
}

// until waits until a script gives true.
func (b *browser) until(what, script string) {
	b.t.Helper()
	var err error
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
		var seen bool
		seen, err = chromedp.Run(ctx, chromedp.Evaluate[bool](script)) // fails while the page changes
		if cancel(); seen {
			return
		}
	}
	b.fatal("wait for "+what, err)
}

// click clicks the first visible element that a selector finds.
func (b *browser) click(selector string) {
	b.t.Helper()
	b.do("click "+selector, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// setUp makes ada the first admin, and so logs in.
func (b *browser) setUp() {
	b.t.Helper()
	b.open("/setup?token=" + setUpToken)
	b.fill("username", "ada")
	b.fill("password", "correct horse battery")
	b.click("button.primary")
	b.sees("main", "Nothing is watched yet")
}

// fill writes into a field.
func (b *browser) fill(name, text string) {
	b.t.Helper()
	selector := chromedp.CSS(`[name="` + name + `"]`)
	b.do("fill "+name, chromedp.Clear(selector), chromedp.SendKeys(selector, text))
}

// eval runs a script and gives its value.
func eval[T any](b *browser, script string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 10*time.Second)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](script))
	if err != nil {
		b.fatal("evaluate "+script[:min(len(script), 60)], err)
	}
	return v
}

// here marks the page, to see later whether it was loaded anew.
func (b *browser) here() { b.t.Helper(); eval[bool](b, "window.stayed = true") }

// stayed fails when the page was loaded anew since here.
func (b *browser) stayed() {
	b.t.Helper()
	if !eval[bool](b, "window.stayed === true") {
		b.t.Error("the page was reloaded")
	}
}

// screen sets the size of the window and the colour scheme.
func (b *browser) screen(width int64, scheme string) {
	b.t.Helper()
	b.do("set the screen", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 900, DeviceScaleFactor: 1, Mobile: width < 500})
		if err != nil {
			return err
		}
		_, err = cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return err
	}))
}

// measure looks for problems of the open page in light and dark and in each width,
// and leaves pictures of it with MOONWATCH_SCREENSHOTS=DIR. In the quick form of the
// tests it takes one of them, which the page's name decides.
func (b *browser) measure(name string, widths ...int64) {
	b.t.Helper()
	dir := os.Getenv("MOONWATCH_SCREENSHOTS")
	all := dir != "" || os.Getenv("MOONWATCH_LONG_TESTS") != ""
	turn := int(crc32.ChecksumIEEE([]byte(name))) % (2 * len(widths))
	for i, scheme := range []string{"light", "dark"} {
		for j, width := range widths {
			if !all && i*len(widths)+j != turn {
				continue
			}
			b.screen(width, scheme)
			b.until("the screen", fmt.Sprintf(`matchMedia("(width: %dpx) and (prefers-color-scheme: %s)").matches`, width, scheme))
			for _, one := range eval[[]string](b, problems) {
				b.t.Errorf("%s at %d px, %s: %s", name, width, scheme, one)
			}
			if dir != "" {
				b.picture(filepath.Join(dir, fmt.Sprintf("%s-%s-%d.png", name, scheme, width)))
			}
		}
	}
}

// withoutScripts switches scripts off for the pages that follow.
func (b *browser) withoutScripts() {
	b.t.Helper()
	b.do("switch scripts off", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
}

// picture takes the whole page.
func (b *browser) picture(file string) {
	b.t.Helper()
	b.capture(file, true)
}

// capture takes what the window shows, or with whole all of the page.
func (b *browser) capture(file string, whole bool) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	data, err := chromedp.Run(ctx, func(ctx context.Context, t *chromedp.Target) ([]byte, error) {
		shot, err := cdp.Call(ctx, t, page.CaptureScreenshot, page.CaptureScreenshotParams{CaptureBeyondViewport: &whole})
		return shot.Data, err
	})
	if err == nil {
		err = os.WriteFile(file, data, 0o644)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// program is the whole program but its command line.
type program struct {
	engine *monitor.Monitor
	store  engine.Store
	url    string
	dir    string // of plugins
}

const setUpToken = "the-one-time-secret"

func newMonitor(t *testing.T, change ...func(*engine.Options)) *program {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	m := &program{dir: t.TempDir()}
	data := t.TempDir()
	so := storage.DefaultOptions()
	so.Logger, so.NoSync = quiet, true
	db, err := storage.Open(filepath.Join(data, "db"), so)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	sealer, err := seal.Open(filepath.Join(data, "key"), "")
	if err != nil {
		t.Fatal(err)
	}
	m.store = db
	eo := engine.DefaultOptions()
	eo.Store, eo.Sealer, eo.Logger, eo.StopTime = db, sealer, quiet, 3*time.Second
	for _, fn := range change {
		fn(&eo)
	}
	if m.engine, err = monitor.New(t.Context(), eo); err != nil {
		t.Fatal(err)
	}
	network, err := host.New(host.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { network.Close() })
	lua, err := luaapi.New(luaapi.Options{Host: network, Data: m.engine.Plugins.PluginData(), Sources: m.engine.Plugins.PluginSources(), Opener: sealer,
		Shipped: plugins.Files(), Dir: m.dir, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lua.Close() })
	if err := lua.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.engine.Start(t.Context(), lua); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.engine.Stop)
	watching, unwatch := context.WithCancel(context.Background())
	watched := make(chan struct{})
	go func() { defer close(watched); lua.Watch(watching) }()
	t.Cleanup(func() { unwatch(); <-watched })
	s, err := server.New(server.Options{Engine: m.engine, Logger: quiet, SetupToken: setUpToken, Version: "test", PluginDir: m.dir,
		PluginSource: func(file string) ([]byte, error) { return os.ReadFile(filepath.Join(m.dir, file)) }})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s.Handler())
	t.Cleanup(web.CloseClientConnections)
	m.url = web.URL
	return m
}

// save puts a plugin into the folder, whole.
func (m *program) save(t *testing.T, name, source string) {
	t.Helper()
	temporary := filepath.Join(m.dir, ".new")
	if err := os.WriteFile(temporary, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(temporary, filepath.Join(m.dir, name)); err != nil {
		t.Fatal(err)
	}
}
