package describe

import (
	"fmt"
	"strings"
)

// reference is the reference of everything, as Markdown.
func reference() string {
	w := &markdown{}
	w.line("# Reference for plugins")
	w.line("Generated from the descriptions in `luaapi/describe`, which a test holds against what plugins really see. The guide is " +
		"[README.md](README.md).")
	w.line(Preface())
	w.contents()
	for _, s := range Sections() {
		w.section(s, "##")
	}
	return strings.TrimSuffix(w.String(), "\n")
}

// markdown writes blocks with blank lines between them.
type markdown struct{ strings.Builder }

func (w *markdown) line(text string) { w.WriteString(text + "\n\n") }

// section writes a section under a heading; below the third level none is deeper.
func (w *markdown) section(s Section, heading string) {
	if s.Title != "" {
		w.line(heading + " " + s.Title)
	}
	for _, text := range s.Texts {
		w.line(text)
	}
	for _, t := range s.Tables {
		w.table(t)
	}
	if s.Example != "" {
		w.line("```lua\n" + s.Example + "\n```")
	}
	for _, text := range s.Closing {
		w.line(text)
	}
	for _, part := range s.Parts {
		w.section(part, heading+"#")
	}
}

func (w *markdown) table(t Table) {
	w.WriteString("| " + strings.Join(t.Head, " | ") + " |\n|" + strings.Repeat(" --- |", len(t.Head)) + "\n")
	for _, row := range t.Rows {
		for _, cell := range row.Cells {
			text := cell.Text
			if cell.Code {
				text = code(text)
			}
			w.WriteString("| " + strings.ReplaceAll(text, "|", `\|`) + " ")
		}
		w.WriteString("|\n")
	}
	w.WriteString("\n")
}

func (w *markdown) contents() {
	var parts []string
	for _, m := range Modules() {
		if !strings.Contains(m.Name, ".") {
			parts = append(parts, fmt.Sprintf("[%s](#%s)", m.Name, ModuleID(m.Name)))
		}
	}
	w.line("[The plugin's table](#the-plugins-table) · [Fields of forms](#fields-of-forms) · [Objects](#objects) · Modules: " + strings.Join(parts, ", ") +
		" · [Lua's own](#luas-own)")
}
