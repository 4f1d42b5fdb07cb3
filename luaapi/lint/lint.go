package lint

import (
	"fmt"
	"sort"

	"moonwatch/engine/form"
	"moonwatch/luaapi/describe"
	"moonwatch/luaapi/lint/internal/tree"
)

// Finding is a mistake, or what looks like one.
type Finding struct {
	File    string `json:"file"`
	Line    int    `json:"line"`   // from 1
	Column  int    `json:"column"` // from 1, in characters
	Message string `json:"message"`
	Code    string `json:"code"` // one of Codes
}

// String is the finding as compilers write them.
func (f Finding) String() string {
	return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Message)
}

// The codes of findings.
const (
	CodeLoad      = "load"      // the file does not load
	CodeKey       = "key"       // a key of the plugin's table that the contract does not know
	CodeUndefined = "undefined" // a name that nothing defines
	CodeGlobal    = "global"    // a write to a global
	CodeField     = "field"     // a field that no form and no object has
	CodeUnread    = "unread"    // a form's field that nothing reads
	CodeReturn    = "return"    // a path through run or ping without return result
	CodeEndless   = "endless"   // a loop that nothing ends
	CodePattern   = "pattern"   // a pattern that may take very long
	CodeConcat    = "concat"    // a text that is built in a loop
	CodeArguments = "arguments" // a wrong number of arguments, or a wrong one
	CodeOption    = "option"    // an option that there is not
	CodeModule    = "module"    // a module or a function of one that there is not
	CodeVariable  = "variable"  // an environment variable that is not listed
	CodeCompare   = "compare"   // a comparison that never holds, or raises
	CodeLost      = "lost"      // a call whose error gets lost
)

// Plugin is what the linter must know of a loaded plugin.
type Plugin struct {
	Slug         string
	SettingsFrom string
	Alert        bool
	HasPing      bool
	Variables    []string             // that it may read
	unloaded     bool                 // stands for one that did not load: its forms are not known
	Forms        map[string]form.Form // by key, such as "config_form"
}

// File is one file to lint.
type File struct {
	Name    string // as findings show it
	Source  string
	Test    bool // a file of tests
	Main    bool // the file that returns the plugin
	Shipped bool // a module of the binary: what it reads counts, and nothing is found in it
}

// Source is a plugin: its files and what loading found out.
type Source struct {
	Files   []File
	Plugins []Plugin // none when it does not load
	Modules []string // that the files can require beside those of the contract
}

// Check lints all files of a plugin. The findings are in order of file, line and
// column. Files that cannot be parsed are passed over: loading says why.
func Check(s Source) []Finding {
	contract := describe.Load()
	var found []Finding
	var readable []*checker
	for _, f := range s.Files {
		read, err := tree.Read(f.Source)
		if err != nil {
			continue
		}
		c := &checker{types: newTypes(contract, f, read.Globals), source: &s, body: read.Body, writes: read.Writes, known: map[Finding]bool{}}
		c.run()
		readable = append(readable, c)
		if f.Shipped {
			continue
		}
		found = append(found, c.found...)
	}
	found = append(found, unread(&s, readable)...)
	Sort(found)
	return found
}

// Sort orders findings by file, line and column.
func Sort(found []Finding) {
	sort.SliceStable(found, func(i, j int) bool {
		a, b := found[i], found[j]
		if a.File != b.File {
			return a.File < b.File
		}
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		return a.Column < b.Column
	})
}

// checker lints one file. It goes over its nodes with the rules that look at one
// place; pluginRules look at a plugin's functions as a whole, and reads at what
// all files of a plugin read.
type checker struct {
	types
	source *Source
	body   []*tree.Node
	writes []*tree.Node // of globals
	found  []Finding
	known  map[Finding]bool // what is in found
}

func (c *checker) add(at tree.Pos, code, format string, values ...any) {
	f := Finding{File: c.file.Name, Line: at.Line, Column: at.Column, Code: code, Message: fmt.Sprintf(format, values...)}
	if c.known[f] {
		return
	}
	c.known[f] = true
	c.found = append(c.found, f)
}

func (c *checker) run() {
	switch len(c.source.Plugins) {
	case 0:
		c.current = &Plugin{unloaded: true, HasPing: hasKey(c.body, "ping")}
	case 1:
		c.current = &c.source.Plugins[0]
	}
	for _, w := range c.writes {
		if w.Text == "_" {
			c.add(w.Pos, CodeGlobal, "_ is a global here: write local _")
		} else {
			c.add(w.Pos, CodeGlobal, "%s is written as a global: write local %s", w.Text, w.Text)
		}
	}
	plugins := pluginRules{checker: c, done: map[*tree.Node]bool{}}
	plugins.findPlugins()
	plugins.typeLoops()
	plugins.typeHelpers()
	tree.Walk(c.body, func(n *tree.Node) bool {
		c.node(n)
		return true
	})
	c.loops(c.body)
}

// node looks at one node.
func (c *checker) node(n *tree.Node) {
	switch n.Kind {
	case tree.KindName:
		c.name(n)
	case tree.KindIndex:
		c.index(n)
	case tree.KindCall, tree.KindMethod:
		c.call(n)
		c.variable(n)
		c.lost(n)
	case tree.KindBinary:
		c.comparison(n)
	case tree.KindAssign:
		for i, target := range n.Targets {
			c.write(target, n.List, i)
		}
	case tree.KindWhile, tree.KindRepeat:
		c.endless(n)
	}
}
