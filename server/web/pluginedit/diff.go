package pluginedit

import (
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff/lcs"

	"moonwatch/engine"
)

// diffLine is a line of a difference: "same", "out" (it goes), "in" (it comes)
// or "gap" (lines that are the same were left out).
type diffLine struct {
	Kind     string
	Old, New int // numbers from 1; 0: it is not there
	Text     string
}

// fileDiff is what differs in one file.
type fileDiff struct {
	Name           string // as shown
	Added, Removed int
	Lines          []diffLine
}

// Same reports whether nothing differs.
func (d fileDiff) Same() bool { return d.Added+d.Removed == 0 }

const diffContext = 3 // lines shown around a change

// diffSources compares the files of two sources, in order of name.
func diffSources(before, after engine.PluginSource) []fileDiff {
	var names []string
	for name := range before.Files {
		names = append(names, name)
	}
	for name := range after.Files {
		if _, both := before.Files[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var out []fileDiff
	for _, name := range names {
		d := DiffTexts(before.Files[name], after.Files[name])
		if d.Name = shownName(after.Path, name); !d.Same() {
			out = append(out, d)
		}
	}
	return out
}

func textLines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// DiffTexts compares two texts line by line.
func DiffTexts(before, after string) fileDiff {
	all := DiffLines(textLines(before), textLines(after))
	var d fileDiff
	near := make([]bool, len(all))
	for i, l := range all {
		switch l.Kind {
		case "in":
			d.Added++
		case "out":
			d.Removed++
		default:
			continue
		}
		for n := max(0, i-diffContext); n <= min(len(all)-1, i+diffContext); n++ {
			near[n] = true
		}
	}
	if d.Same() && before != after { // the last line's end
		d.Added, d.Removed = 1, 1
	}
	for i, l := range all {
		if near[i] {
			d.Lines = append(d.Lines, l)
		} else if n := len(d.Lines); n > 0 && d.Lines[n-1].Kind != "gap" {
			d.Lines = append(d.Lines, diffLine{Kind: "gap"})
		}
	}
	if n := len(d.Lines); n > 0 && d.Lines[n-1].Kind == "gap" {
		d.Lines = d.Lines[:n-1]
	}
	return d
}

// DiffLines gives all lines of both texts: those that are common once. Texts with
// very many changes may show more lines as changed than need be.
func DiffLines(before, after []string) []diffLine {
	b := &diffBuilder{}
	for _, change := range lcs.DiffLines(before, after) {
		for _, text := range before[b.old:change.Start] {
			b.same(text)
		}
		for _, text := range before[change.Start:change.End] {
			b.out(text)
		}
		for _, text := range after[change.ReplStart:change.ReplEnd] {
			b.in(text)
		}
	}
	for _, text := range before[b.old:] {
		b.same(text)
	}
	return b.lines
}

// diffBuilder numbers the lines of both texts.
type diffBuilder struct {
	lines    []diffLine
	old, new int // lines of either text so far
}

func (b *diffBuilder) same(text string) {
	b.old, b.new = b.old+1, b.new+1
	b.lines = append(b.lines, diffLine{"same", b.old, b.new, text})
}

func (b *diffBuilder) out(text string) {
	b.old++
	b.lines = append(b.lines, diffLine{"out", b.old, 0, text})
}

func (b *diffBuilder) in(text string) {
	b.new++
	b.lines = append(b.lines, diffLine{"in", 0, b.new, text})
}
