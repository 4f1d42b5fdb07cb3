package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// unit is a package as it is measured: its files without tests.
type unit struct {
	path  string
	fset  *token.FileSet
	files []*ast.File // without generated ones
	info  *types.Info
}

// listed is what `go list` says of a package.
type listed struct {
	ImportPath, Dir, Export string
	DepOnly                 bool
	GoFiles                 []string
	Error                   *struct{ Err string }
}

// load parses and checks the packages that patterns name, seen from dir. Their
// imports are read as the compiler left them.
func load(dir string, patterns []string) ([]*unit, error) {
	cmd := exec.Command("go", append([]string{"list", "-e=false", "-export", "-deps", "-json=ImportPath,Dir,Export,DepOnly,GoFiles,Error", "--"}, patterns...)...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	exports := map[string]string{}
	var named []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("read what go list says: %w", err)
		}
		if p.Error != nil {
			return nil, fmt.Errorf("%s: %s", p.ImportPath, p.Error.Err)
		}
		exports[p.ImportPath] = p.Export
		if !p.DepOnly && len(p.GoFiles) > 0 {
			named = append(named, p)
		}
	}
	fset := token.NewFileSet()
	compiled := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("%s was not compiled", path)
		}
		return os.Open(exports[path])
	})
	var units []*unit
	for _, p := range named {
		u, err := check(fset, compiled, p)
		if err != nil {
			return nil, err
		}
		units = append(units, u)
	}
	return units, nil
}

// check parses the files of a package and resolves its names.
func check(fset *token.FileSet, compiled types.Importer, p listed) (*unit, error) {
	u := &unit{path: p.ImportPath, fset: fset, info: &types.Info{Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}}}
	var all []*ast.File
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
		if !ast.IsGenerated(f) {
			u.files = append(u.files, f)
		}
	}
	config := types.Config{Importer: compiled}
	if _, err := config.Check(p.ImportPath, fset, all, u.info); err != nil {
		return nil, fmt.Errorf("check %s: %w", p.ImportPath, err)
	}
	return u, nil
}
