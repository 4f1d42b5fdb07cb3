package plugintest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/luaapi/internal/loader"
	"moonwatch/luaapi/internal/runner"
)

// Report is what came of the tests of a path.
type Report struct {
	Files []File `json:"files"`
}

// File is what came of one file of tests.
type File struct {
	File     string                 `json:"file"` // of the tests
	Tests    []Result               `json:"tests"`
	Problems []engine.PluginProblem `json:"problems"` // why its tests could not be run
}

// Result is what came of one test.
type Result struct {
	Name    string                `json:"name"`
	Line    int                   `json:"line"` // at which the test begins
	Took    time.Duration         `json:"took"` // nanoseconds
	Failure *engine.PluginProblem `json:"failure"`
	Detail  string                `json:"detail"` // of a failure: how the plugin's last call ended
	Log     []engine.LogLine      `json:"log"`    // what the test itself printed
}

// Counts returns how many tests passed and failed, and of how many files the
// tests could not be run.
func (r Report) Counts() (passed, failed, unrun int) {
	for _, f := range r.Files {
		if len(f.Problems) > 0 {
			unrun++
		}
		for _, t := range f.Tests {
			if t.Failure == nil {
				passed++
			} else {
				failed++
			}
		}
	}
	return passed, failed, unrun
}

// Tester runs the tests of plugins. It is safe for concurrent use.
type Tester struct{ runner *runner.Runner }

// New starts a Tester, which Close ends. shipped holds the modules that
// ship, as in Options; nil is none.
func New(shipped fs.FS) (*Tester, error) {
	r, err := runner.New(runner.Options{Shipped: shipped})
	if err != nil {
		return nil, err
	}
	return &Tester{runner: r}, nil
}

// Close stops the tester's own goroutines. Tests under way end on their own.
func (t *Tester) Close() { t.runner.Close() }

// Test runs the tests of a plugin's file, of a file of tests, or of a folder,
// which is a plugin or holds some. It blocks, each test for 10 s at most; when
// ctx ends, those that are left fail. No test reaches the network, and nothing
// of the registry, the store or the environment is seen or changed. Files are
// named as path names them. An error says that there is nothing to test at path.
func (t *Tester) Test(ctx context.Context, path string) (Report, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Report{}, fmt.Errorf("test %s: there is no such file", path)
	}
	if err != nil {
		return Report{}, fmt.Errorf("test %s: %w", path, err)
	}
	if base := filepath.Base(path); !info.IsDir() && (base == loader.MainFile || base == "plugin"+loader.TestSuffix) {
		path, info = filepath.Dir(path), nil
	}
	dir, name := split(path)
	switch {
	case info == nil || info.IsDir() && isFile(filepath.Join(path, loader.MainFile)):
	case info.IsDir():
		return t.testFolder(ctx, path)
	case !strings.HasSuffix(name, ".lua"):
		return Report{}, fmt.Errorf("test %s: neither a Lua file nor a folder", path)
	default:
		if plugin, ok := strings.CutSuffix(name, loader.TestSuffix); ok {
			name = plugin + ".lua"
		}
	}
	file := t.TestFS(ctx, os.DirFS(dir), name)
	file.under(dir)
	return Report{Files: []File{file}}, nil
}

// split parts a path into a folder and a name that is not "." or "..".
func split(path string) (dir, name string) {
	if base := filepath.Base(path); base == "." || base == ".." {
		if full, err := filepath.Abs(path); err == nil {
			path = full
		}
	}
	return filepath.Dir(path), filepath.Base(path)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// testFolder tests all plugins in a folder that have tests.
func (t *Tester) testFolder(ctx context.Context, dir string) (Report, error) {
	fsys := os.DirFS(dir)
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return Report{}, fmt.Errorf("test %s: %w", dir, err)
	}
	var report Report
	for _, e := range entries {
		name := e.Name()
		if name[0] == '.' || name[0] == '_' {
			continue
		}
		if plugin, ok := strings.CutSuffix(name, loader.TestSuffix); ok {
			name = plugin + ".lua"
		} else if _, err := fs.Stat(fsys, path.Join(name, "plugin"+loader.TestSuffix)); err != nil {
			continue
		}
		file := t.TestFS(ctx, fsys, name)
		file.under(dir)
		report.Files = append(report.Files, file)
	}
	if len(report.Files) == 0 {
		return report, fmt.Errorf("test %s: there are no tests: files whose names end in %s", dir, loader.TestSuffix)
	}
	return report, nil
}

// under names all files as they are seen from above dir.
func (f *File) under(dir string) {
	if dir == "." {
		return
	}
	f.File = filepath.Join(dir, f.File)
	for i := range f.Problems {
		f.Problems[i].File = filepath.Join(dir, f.Problems[i].File)
	}
	for i := range f.Tests {
		if failure := f.Tests[i].Failure; failure != nil {
			failure.File = filepath.Join(dir, failure.File)
		}
	}
}
