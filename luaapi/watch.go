package luaapi

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"moonwatch/luaapi/internal/loader"
)

// maxSettle is the longest that a folder in which something changes all the
// time is left unread.
const maxSettle = 4

// Watch follows the plugin folder until ctx ends: what is saved is in force
// within a second. Events say when to look, never at what; the folder is read
// whole each time, and every few seconds anyway. It blocks; Load comes first.
func (rt *Runtime) Watch(ctx context.Context) error {
	if rt.opts.Dir == "" {
		<-ctx.Done()
		return nil
	}
	w := &folderWatch{rt: rt, watched: map[string]bool{}}
	if notify, err := fsnotify.NewWatcher(); err == nil {
		w.notify = notify
		defer notify.Close()
	} else {
		rt.opts.Logger.Warn("the system gives no notice of changed files: the plugin folder is read every second", "error", err)
	}
	w.loop(ctx)
	return nil
}

// folderWatch is one Watch.
type folderWatch struct {
	rt      *Runtime
	notify  *fsnotify.Watcher // nil: there is none
	watched map[string]bool
}

func (w *folderWatch) loop(ctx context.Context) {
	o := w.rt.opts
	rescan := o.Rescan
	var events <-chan fsnotify.Event
	var failures <-chan error
	if w.notify != nil {
		events, failures = w.notify.Events, w.notify.Errors
	} else {
		rescan = min(rescan, time.Second)
	}
	w.follow(ctx)
	settle := time.NewTimer(o.Settle) // what changed since Load is found by the first look
	defer settle.Stop()
	every := time.NewTicker(rescan)
	defer every.Stop()
	var first time.Time // of the events that wait
	for {
		select {
		case <-ctx.Done():
			return
		case _, ok := <-events:
			if !ok {
				events = nil
				continue
			}
			if first.IsZero() {
				first = time.Now()
			}
			if time.Since(first) < maxSettle*o.Settle {
				settle.Reset(o.Settle)
			}
			continue
		case err := <-failures:
			// An overflow loses events: look.
			w.rt.opts.Logger.Warn("watching the plugin folder", "error", err)
		case <-settle.C:
		case <-every.C:
		}
		first = time.Time{}
		w.follow(ctx) // before it is read: what changes from now on is noticed
		again := pluginFolder{w.rt}.scan(ctx)
		if again {
			settle.Reset(o.Settle)
		}
	}
}

// follow watches the folder, what it links to, its parent (in which the folder
// itself may be replaced) and every folder below.
func (w *folderWatch) follow(ctx context.Context) {
	if w.notify == nil {
		return
	}
	wanted := map[string]bool{}
	dir, err := filepath.Abs(w.rt.opts.Dir)
	if err != nil {
		dir = w.rt.opts.Dir
	}
	wanted[filepath.Dir(dir)] = true
	for _, folder := range foldersBelow(ctx, dir) {
		wanted[folder] = true
	}
	for folder := range w.watched {
		if !wanted[folder] {
			_ = w.notify.Remove(folder) // gone already, mostly
			delete(w.watched, folder)
		}
	}
	for folder := range wanted {
		// A folder that was replaced has silently lost its watch: Add is asked again.
		if err := w.notify.Add(folder); err == nil {
			w.watched[folder] = true
		}
	}
}

// maxLooked is how many files and folders are looked through for folders to watch;
// what lies behind is found by reading the plugins every few seconds.
const maxLooked = 20_000

// foldersBelow lists dir and the folders in it that plugins can be made of.
func foldersBelow(ctx context.Context, dir string) []string {
	folders := []string{dir}
	if real, err := filepath.EvalSymlinks(dir); err == nil && real != dir {
		folders = append(folders, real, filepath.Dir(real))
		dir = real
	}
	looked := 0
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if looked++; looked > maxLooked || ctx.Err() != nil {
			return fs.SkipAll
		}
		if err != nil {
			return nil
		}
		if strings.Count(strings.TrimPrefix(path, dir), string(filepath.Separator)) > loader.MaxDepth {
			return fs.SkipDir
		}
		if d.IsDir() && path != dir {
			folders = append(folders, path)
		}
		if d.Type()&fs.ModeSymlink != 0 {
			if real, err := filepath.EvalSymlinks(path); err == nil {
				folders = append(folders, linkedFolder(real))
			}
		}
		return nil
	})
	return folders
}

// linkedFolder is what to watch for a link: the folder it leads to, or that of the file.
func linkedFolder(real string) string {
	if info, err := os.Stat(real); err == nil && info.IsDir() {
		return real
	}
	return filepath.Dir(real)
}
