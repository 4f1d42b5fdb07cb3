package loader

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// ShippedFolder is the folder of the binary's plugins with the modules that any
// plugin may require: shipped/sql.lua is "shipped.sql".
const ShippedFolder = "shipped"

// ShippedModule is one of those modules. It is not written after ReadShipped
// returned it.
type ShippedModule struct {
	Name string // for require
	File string // chunk name: what errors show
	Text string

	proto  *lua.FunctionProto
	steady bool
}

// ReadShipped compiles the shipped modules of fsys, nil for none, in order of name.
func ReadShipped(fsys fs.FS) ([]ShippedModule, error) {
	if fsys == nil {
		return nil, nil
	}
	files, err := fs.Glob(fsys, path.Join(ShippedFolder, "*.lua"))
	if err != nil {
		return nil, err
	}
	var all []ShippedModule
	for _, file := range files {
		if !IsPluginFile(path.Base(file)) {
			continue
		}
		text, err := fs.ReadFile(fsys, file)
		if err != nil {
			return nil, err
		}
		proto, steady, err := compileFile(file, string(text), false)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		name := ShippedFolder + "." + strings.TrimSuffix(path.Base(file), ".lua")
		all = append(all, ShippedModule{Name: name, File: file, Text: string(text), proto: proto, steady: steady})
	}
	return all, nil
}

// ShippedFor lists the shipped modules that a source may require.
func (l *Loader) ShippedFor(s *Source) []ShippedModule { return l.shippedIn(s.texts(), s.Modules()) }

// WithShipped is the modules of a source with those that ship and that its tests
// may require.
func (l *Loader) WithShipped(modules map[string]*lua.FunctionProto, s *Source, tests string) map[string]*lua.FunctionProto {
	all := maps.Clone(modules)
	for _, m := range l.shippedIn([]string{tests}, s.Modules()) {
		all[m.Name] = m.proto
	}
	return all
}

// shippedIn lists the shipped modules whose names stand in the texts, or in the
// text of such a module. A folder's own module of the name takes the place of a
// shipped one, for the shipped ones too.
func (l *Loader) shippedIn(texts []string, own map[string]string) []ShippedModule {
	var used []ShippedModule
	taken := map[string]bool{}
	for len(texts) > 0 {
		text := texts[0]
		texts = texts[1:]
		for _, m := range l.Shipped {
			if _, replaced := own[m.Name]; !replaced && !taken[m.Name] && strings.Contains(text, m.Name) {
				taken[m.Name] = true
				used, texts = append(used, m), append(texts, m.Text)
			}
		}
	}
	return used
}

// version identifies what a source does: its own files, and the shipped modules
// that it uses, which another release of the product may have changed.
func version(s *Source, shipped []ShippedModule) string {
	if len(shipped) == 0 {
		return s.Hash
	}
	all := sha256.New()
	fmt.Fprintln(all, s.Hash)
	for _, m := range shipped {
		fmt.Fprintf(all, "%s\x00%x\n", m.Name, sha256.Sum256([]byte(m.Text)))
	}
	return hex.EncodeToString(all.Sum(nil))[:32]
}
