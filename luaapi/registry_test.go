package luaapi

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"moonwatch/engine"
	"moonwatch/luaapi/internal/loader"
	"moonwatch/luaapi/internal/luaval"
)

// sources is an engine.PluginSources in memory.
type sources struct {
	mu sync.Mutex // guards by
	by map[string]engine.PluginSource
}

func (s *sources) KeepSource(_ context.Context, k engine.PluginSource) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by == nil {
		s.by = map[string]engine.PluginSource{}
	}
	s.by[k.Path] = k
	return nil
}

func (s *sources) KeptSources(context.Context) ([]engine.PluginSource, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []engine.PluginSource
	for _, path := range luaval.SortedKeys(s.by) {
		list = append(list, s.by[path])
	}
	return list, nil
}

func (s *sources) DropSource(_ context.Context, path string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.by, path)
	return nil
}

func (s *sources) paths() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(luaval.SortedKeys(s.by), " ")
}

// says is a check plugin whose result says which it is.
func says(slug, text string) string {
	return checkSource(slug, `result.succeeded = true result.message = "`+text+`" return result`)
}

const broken = "local P = {\nreturn P"

// folder is a runtime with its folder, over restarts.
type folder struct {
	t       *testing.T
	dir     string
	kept    *sources
	shipped fstest.MapFS
	rt      *Runtime
}

func newFolder(t *testing.T, shipped fstest.MapFS) *folder {
	f := &folder{t: t, dir: t.TempDir(), kept: &sources{}, shipped: shipped}
	return f
}

func (f *folder) options() Options {
	o := Options{Dir: f.dir, Sources: f.kept, Env: func(string) (string, bool) { return "", false }}
	if f.shipped != nil {
		o.Shipped = f.shipped
	}
	return o
}

// start builds a new runtime, as after a restart.
func (f *folder) start() {
	f.t.Helper()
	rt, err := New(f.options())
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(rt.Close)
	if err := rt.Load(context.Background()); err != nil {
		f.t.Fatal(err)
	}
	f.rt = rt
}

func (f *folder) write(name, text string) { f.t.Helper(); writeFile(f.t, f.dir, name, text) }

func (f *folder) remove(name string) {
	f.t.Helper()
	if err := os.RemoveAll(filepath.Join(f.dir, name)); err != nil {
		f.t.Fatal(err)
	}
}

// look reads the folder now, as the watcher does.
func (f *folder) look() { pluginFolder{f.rt}.scan(context.Background()) }

// want holds what is known of a slug: "text" that its run says, then flags among
// orphaned, shipped, replaces and problem.
func (f *folder) want(slug, text string, flags ...string) {
	f.t.Helper()
	e, ok := f.rt.Plugin(slug)
	if !ok {
		f.t.Fatalf("%s is not there: %v", slug, describeAll(f.rt))
	}
	got := ""
	if e.Plugin != nil {
		got = e.Plugin.Run(context.Background(), checkRun(slug, nil)).Message
	}
	var have []string
	for flag, set := range map[string]bool{"orphaned": e.Orphaned, "shipped": e.Shipped, "replaces": e.Replaces, "problem": e.Problem != nil} {
		if set {
			have = append(have, flag)
		}
	}
	slices.Sort(have)
	slices.Sort(flags)
	if got != text || !slices.Equal(have, flags) {
		f.t.Errorf("%s says %q and is %v, want %q and %v: %v", slug, got, have, text, flags, describeAll(f.rt))
	}
}

func (f *folder) wantNone(slug string) {
	f.t.Helper()
	if e, ok := f.rt.Plugin(slug); ok {
		f.t.Errorf("%s is there: %+v", slug, e)
	}
}

func TestBrokenFileKeepsTheRunningVersion(t *testing.T) {
	f := newFolder(t, nil)
	f.write("a.lua", says("a", "one"))
	f.start()
	f.want("a", "one")
	f.write("a.lua", broken)
	f.look()
	f.want("a", "one", "problem")
	if e, _ := f.rt.Plugin("a"); e.Problem.Line != 2 || e.Problem.File != "a.lua" {
		t.Errorf("problem %+v", e.Problem)
	}
	f.start() // a restart takes the last good source
	f.want("a", "one", "problem")
	f.write("a.lua", says("a", "two"))
	f.look()
	f.want("a", "two")
	f.start()
	f.want("a", "two")
}

func TestFileThatIsGone(t *testing.T) {
	f := newFolder(t, nil)
	f.write("a.lua", says("a", "one"))
	f.start()
	f.remove("a.lua")
	f.look()
	f.want("a", "one", "orphaned")
	f.start()
	f.want("a", "one", "orphaned")
	f.write("a.lua", says("a", "back"))
	f.look()
	f.want("a", "back")
	f.start()
	f.want("a", "back")
}

func TestFileThatNeverLoaded(t *testing.T) {
	f := newFolder(t, nil)
	f.write("My Check.lua", broken)
	f.start()
	f.want("my_check", "", "problem")
	f.write("My Check.lua", says("mine", "works"))
	f.look()
	f.want("mine", "works")
	f.wantNone("my_check")
	f.write("other.lua", broken)
	f.look()
	f.want("other", "", "problem")
	f.remove("other.lua")
	f.look()
	f.wantNone("other")
}

// A file whose name cannot be shown is not loaded, and says so under a name that can.
func TestFileNamesThatCannotBeShown(t *testing.T) {
	f := newFolder(t, nil)
	long := strings.Repeat("x", 150) + ".lua"
	for _, name := range []string{"con\nx.lua", "a\u202eb.lua", long, "good.lua"} {
		f.write(name, says("good", "x"))
	}
	f.start()
	var bad []string
	for _, e := range f.rt.List() {
		if e.Problem != nil && strings.Contains(e.Problem.Message, "the file's name must have") {
			bad = append(bad, e.File)
		}
		if !loader.Printable(e.File) {
			t.Errorf("a page would show %q", e.File)
		}
	}
	slices.Sort(bad)
	if want := []string{`a\u202eb.lua`, `con\nx.lua`, long[:100] + "/plugin.lua"}; !slices.Equal(bad, want) {
		t.Errorf("got %q, want %q", bad, want)
	}
	f.want("good", "x")
}

func TestRenamedFile(t *testing.T) {
	f := newFolder(t, nil)
	f.write("a.lua", says("x", "one"))
	f.start()
	if err := os.Rename(filepath.Join(f.dir, "a.lua"), filepath.Join(f.dir, "b.lua")); err != nil {
		t.Fatal(err)
	}
	f.look()
	f.want("x", "one")
	if e, _ := f.rt.Plugin("x"); e.File != "b.lua" {
		t.Errorf("file is %s", e.File)
	}
	f.start()
	f.want("x", "one")
	if got := f.kept.paths(); got != "b.lua" {
		t.Errorf("kept %s", got)
	}
}

// A copy that is renamed by way of two files: for a moment both are there.
func TestTwoFilesOfOneSlug(t *testing.T) {
	f := newFolder(t, nil)
	f.write("b.lua", says("x", "b"))
	f.start()
	f.write("a.lua", says("x", "a"))
	f.look()
	f.want("x", "b", "problem") // the running one stays
	e, _ := f.rt.Plugin("x")
	if !strings.Contains(e.Problem.Message, "a.lua") || !strings.Contains(e.Problem.Message, "b.lua") {
		t.Errorf("the problem does not name both: %+v", e.Problem)
	}
	f.start()
	f.want("x", "a", "problem") // at start the lexically first
	f.remove("a.lua")
	f.look()
	f.want("x", "b")
}

func TestSlugThatChanges(t *testing.T) {
	f := newFolder(t, nil)
	f.write("a.lua", says("old", "one"))
	f.start()
	f.write("a.lua", says("new", "two"))
	f.look()
	f.want("old", "one", "orphaned")
	f.want("new", "two")
	f.start()
	f.want("old", "one", "orphaned")
	f.want("new", "two")
	f.write("b.lua", says("old", "taken over"))
	f.look()
	f.want("old", "taken over")
	f.start()
	f.want("old", "taken over")
	f.want("new", "two")
	if got := f.kept.paths(); got != "a.lua b.lua" {
		t.Errorf("kept %s", got)
	}
}

func TestShippedPlugins(t *testing.T) {
	f := newFolder(t, fstest.MapFS{
		"http.lua":      {Data: []byte(says("http", "shipped"))},
		"http_test.lua": {Data: []byte("nothing")},
		"tcp.lua":       {Data: []byte(says("tcp", "shipped tcp"))},
		"embed.go":      {Data: []byte("package plugins")},
	})
	f.start()
	f.want("http", "shipped", "shipped")
	if e, _ := f.rt.Plugin("http"); e.File != "shipped:http.lua" {
		t.Errorf("file is %s", e.File)
	}
	f.write("http.lua", broken)
	f.look()
	f.want("http", "shipped", "shipped", "problem")
	f.write("http.lua", says("http", "mine"))
	f.look()
	f.want("http", "mine", "replaces")
	f.write("http.lua", broken)
	f.look()
	f.want("http", "mine", "problem", "replaces")
	f.start()
	f.want("http", "mine", "problem", "replaces")
	f.remove("http.lua")
	f.look()
	f.want("http", "shipped", "shipped")
	f.start()
	f.want("http", "shipped", "shipped")
	f.want("tcp", "shipped tcp", "shipped")
}

func TestFolderPluginReloads(t *testing.T) {
	f := newFolder(t, nil)
	main := "local lib = require \"lib\"\n" + checkSource("x", `result.succeeded = true result.message = lib.text return result`)
	f.write("x/plugin.lua", main)
	f.write("x/lib.lua", `return { text = "one" }`)
	f.start()
	f.want("x", "one")
	f.write("x/lib.lua", `return { text = "two" }`)
	f.look()
	f.want("x", "two")
	f.write("x/lib.lua", `return {`)
	f.look()
	f.want("x", "two", "problem")
	f.start()
	f.want("x", "two", "problem")
	f.remove("x")
	f.look()
	f.want("x", "two", "orphaned")
	f.start()
	f.want("x", "two", "orphaned")
}

func TestListIsInOrder(t *testing.T) {
	f := newFolder(t, nil)
	for _, slug := range []string{"c", "a", "b"} {
		f.write(slug+".lua", says(slug, slug))
	}
	f.start()
	var got []string
	for _, e := range f.rt.List() {
		got = append(got, e.Slug)
	}
	if strings.Join(got, "") != "abc" {
		t.Errorf("got %v", got)
	}
}

func TestOnChange(t *testing.T) {
	f := newFolder(t, nil)
	f.write("a.lua", says("a", "one"))
	f.write("b.lua", says("b", "one"))
	f.start()
	var got []string
	f.rt.OnChange(func(slug string) { got = append(got, slug) })
	f.look()
	if len(got) > 0 {
		t.Errorf("nothing changed, but %v", got)
	}
	f.write("a.lua", says("a", "two"))
	f.look()
	f.write("b.lua", broken)
	f.write("c.lua", says("c", "new"))
	f.look()
	if strings.Join(got, " ") != "a b c" {
		t.Errorf("got %v", got)
	}
}

// Runs under way end on the version they began with.
func TestRunEndsOnItsVersion(t *testing.T) {
	f := newFolder(t, nil)
	slow := func(text string) string {
		return checkSource("a", `local x = 0 for i = 1, 3e6 do x = x + i end result.succeeded = true result.message = "`+text+`" return result`)
	}
	f.write("a.lua", slow("one"))
	f.start()
	e, _ := f.rt.Plugin("a")
	done := make(chan engine.RunReport)
	go func() { done <- e.Plugin.Run(context.Background(), checkRun("a", nil)) }()
	f.write("a.lua", slow("two"))
	f.look()
	f.want("a", "two")
	if got := <-done; got.Message != "one" {
		t.Errorf("got %+v", short(got))
	}
}

func TestWatch(t *testing.T) {
	f := newFolder(t, nil)
	f.write("a.lua", says("a", "0"))
	f.start()
	ctx, cancel := context.WithCancel(context.Background())
	watched := make(chan struct{})
	go func() { defer close(watched); _ = f.rt.Watch(ctx) }()
	defer func() { cancel(); <-watched }()
	time.Sleep(2 * DefaultSettle)

	live := func(slug, text string) {
		t.Helper()
		begun := time.Now()
		for {
			if e, ok := f.rt.Plugin(slug); ok && e.Plugin != nil && !e.Orphaned {
				if e.Plugin.Run(ctx, checkRun(slug, nil)).Message == text {
					if took := time.Since(begun); took > 900*time.Millisecond && !raceEnabled {
						t.Errorf("%s says %q after %v", slug, text, took)
					}
					return
				}
			}
			if time.Since(begun) > patience {
				t.Fatalf("%s does not say %q: %v", slug, text, describeAll(f.rt))
			}
			time.Sleep(2 * time.Millisecond)
		}
	}
	t.Run("saved in place", func(t *testing.T) {
		f.write("a.lua", says("a", "1"))
		live("a", "1")
	})
	t.Run("saved by rename", func(t *testing.T) {
		f.write(".a.lua.tmp", says("a", "2"))
		if err := os.Rename(filepath.Join(f.dir, ".a.lua.tmp"), filepath.Join(f.dir, "a.lua")); err != nil {
			t.Fatal(err)
		}
		live("a", "2")
	})
	t.Run("new file", func(t *testing.T) {
		f.write("b.lua", says("b", "1"))
		live("b", "1")
	})
	t.Run("new folder, then a file of it", func(t *testing.T) {
		f.write("c/plugin.lua", "local l = require \"deep.lib\"\n"+checkSource("c", `result.message = l.text return result`))
		f.write("c/deep/lib.lua", `return { text = "1" }`)
		live("c", "1")
		f.write("c/deep/lib.lua", `return { text = "2" }`)
		live("c", "2")
	})
	t.Run("emptied for a moment", func(t *testing.T) {
		f.write("a.lua", "")
		time.Sleep(3 * DefaultSettle)
		if e, _ := f.rt.Plugin("a"); e.Problem != nil {
			t.Errorf("an empty file was taken for the plugin: %+v", e.Problem)
		}
		f.write("a.lua", says("a", "3"))
		live("a", "3")
	})
	t.Run("folder replaced", func(t *testing.T) {
		fresh := t.TempDir()
		writeFile(t, fresh, "a.lua", says("a", "4"))
		if err := os.Rename(f.dir, f.dir+".old"); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(fresh, f.dir); err != nil {
			t.Fatal(err)
		}
		live("a", "4")
		f.write("a.lua", says("a", "5")) // and the new folder is watched
		live("a", "5")
	})
}

// A Kubernetes volume: the files are links to a folder that a link names.
func TestWatchSymlinkSwap(t *testing.T) {
	f := newFolder(t, nil)
	f.write("..1/a.lua", says("a", "1"))
	f.write("..2/a.lua", says("a", "2"))
	link := func(target, name string) {
		t.Helper()
		tmp := filepath.Join(f.dir, "..tmp")
		if err := os.Symlink(target, tmp); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(tmp, filepath.Join(f.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	link("..1", "..data")
	link("..data/a.lua", "a.lua")
	f.start()
	f.want("a", "1")
	ctx, cancel := context.WithCancel(context.Background())
	watched := make(chan struct{})
	go func() { defer close(watched); _ = f.rt.Watch(ctx) }()
	defer func() { cancel(); <-watched }()
	time.Sleep(2 * DefaultSettle)
	link("..2", "..data")
	deadline := time.Now().Add(time.Second)
	for {
		e, _ := f.rt.Plugin("a")
		if e.Plugin.Run(ctx, checkRun("a", nil)).Message == "2" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the swapped link was not followed within a second")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestFolderThatIsNotThere(t *testing.T) {
	rt, err := New(Options{Dir: filepath.Join(t.TempDir(), "nosuch")})
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close()
	if err := rt.Load(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestOptionsProblems(t *testing.T) {
	_, err := New(Options{MaxExecuting: -1, Settle: -1})
	if err == nil || !strings.Contains(err.Error(), "MaxExecuting") || !strings.Contains(err.Error(), "Settle") {
		t.Errorf("got %v", err)
	}
}
