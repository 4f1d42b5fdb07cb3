package loader

import (
	"errors"
	"sort"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/luaapi/internal/syntax"
)

// Problems are why a file did not load, in order of their lines. What concerns a
// file as a whole stands at its first line.
type Problems []engine.PluginProblem

func (p *Problems) add(file string, line int, message string) {
	line = max(line, 1)
	for _, have := range *p {
		if have.File == file && have.Line == line && have.Message == message {
			return
		}
	}
	*p = append(*p, engine.PluginProblem{File: file, Line: line, Message: message})
}

// sorted orders problems by file and line; those without a line come last.
func (p Problems) sorted() Problems {
	sort.SliceStable(p, func(i, j int) bool {
		if p[i].File != p[j].File {
			return p[i].File < p[j].File
		}
		a, b := p[i].Line, p[j].Line
		return a != b && a != 0 && (b == 0 || a < b)
	})
	return p
}

// SourceProblem is a complaint about a source that was not compiled.
func SourceProblem(file string, err error) engine.PluginProblem {
	var source *syntax.SourceError
	if errors.As(err, &source) {
		return engine.PluginProblem{File: file, Line: max(source.Line, 1), Message: source.Message}
	}
	var compile *lua.CompileError
	if errors.As(err, &compile) {
		return engine.PluginProblem{File: file, Line: max(compile.Line, 1), Message: compile.Message}
	}
	return WholeFile(file, err.Error())
}

// WholeFile is a problem that no line of a file is the place of.
func WholeFile(file, message string) engine.PluginProblem {
	return engine.PluginProblem{File: file, Line: 1, Message: message}
}

// endedProblem is the limit that ended the file's top level, at the innermost
// line of the traceback that is in one of the files.
func endedProblem(file, limit, trace string, files []string) engine.PluginProblem {
	for line := range strings.Lines(trace) {
		if p := RaisedProblem("", strings.TrimSpace(line), append([]string{file}, files...)); p.File != "" {
			p.Message = limit
			return p
		}
	}
	return WholeFile(file, limit)
}

// RaisedProblem is an error that the file's own code raised while it loaded; its
// text begins with file and line where Lua knows them.
func RaisedProblem(file, text string, files []string) engine.PluginProblem {
	for _, name := range append([]string{file}, files...) {
		rest, ok := strings.CutPrefix(text, name+":")
		if !ok {
			continue
		}
		number, message, ok := strings.Cut(rest, ":")
		line, err := strconv.Atoi(number)
		if ok && err == nil {
			return engine.PluginProblem{File: name, Line: line, Message: strings.TrimSpace(message)}
		}
	}
	return WholeFile(file, text)
}
