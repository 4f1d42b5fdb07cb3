package pluginedit

import (
	"maps"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"moonwatch/engine"
	"moonwatch/server/web/frame"
)

// draft is a plugin in the editor, as it was posted or as it lies in the folder.
type draft struct {
	Slug   string // of the plugin that was opened; "" is a new one
	Path   string // of the file or folder
	Base   string // hash of the files that the editor began with; "" when there were none
	Folder bool
	Files  []draftFile
}

// draftFile is one file of a draft.
type draftFile struct {
	Name  string // within the folder; "" is that of a plugin of one file
	Shown string
	Text  string
	Notes []draftNote
}

// draftNote is a problem or warning at a line of a draft.
type draftNote struct {
	File    int    `json:"file"`   // index; -1: of the whole
	Line    int    `json:"line"`   // from 1; 0 is unknown
	Column  int    `json:"column"` // from 1, in characters; 0 is unknown
	Message string `json:"message"`
	Warning bool   `json:"warning"`
	Where   string `json:"where"` // as shown
}

const mainFile = "plugin.lua"

// shownName is a file's name as people read it.
func shownName(pluginPath, file string) string {
	if file == "" {
		return pluginPath
	}
	return pluginPath + "/" + file
}

// draftOf is the draft of a source.
func draftOf(slug string, s engine.PluginSource) *draft {
	d := &draft{Slug: slug, Path: s.Path, Base: s.Hash}
	_, single := s.Files[""]
	d.Folder = !single
	for _, name := range slices.Sorted(maps.Keys(s.Files)) {
		d.Files = append(d.Files, draftFile{Name: name, Shown: shownName(s.Path, name), Text: s.Files[name]})
	}
	slices.SortStableFunc(d.Files, func(a, b draftFile) int { return frame.B2i(b.Name == mainFile) - frame.B2i(a.Name == mainFile) })
	return d
}

// postedDraft reads a draft from a form. before is what lies in the folder: a
// browser writes every line's end as CR LF, and the file's own way is kept.
func postedDraft(slug string, posted url.Values, before engine.PluginSource) *draft {
	d := &draft{Slug: slug, Path: strings.TrimSpace(posted.Get("path")), Base: posted.Get("base"), Folder: posted.Get("folder") == "1"}
	if slug != "" && before.Path != "" {
		d.Path = before.Path
	}
	if slug == "" && d.Path != "" && !strings.HasSuffix(d.Path, ".lua") {
		d.Path += ".lua"
	}
	for n := 0; posted.Has("file." + strconv.Itoa(n)); n++ {
		f := draftFile{Name: posted.Get("file." + strconv.Itoa(n))}
		f.Text = unixLines(posted.Get("text." + strconv.Itoa(n)))
		if old := before.Files[f.Name]; strings.Contains(old, "\r\n") && unixLines(old) != old {
			f.Text = strings.ReplaceAll(f.Text, "\n", "\r\n")
		}
		d.Files = append(d.Files, f)
	}
	if name := path.Clean(strings.TrimSpace(posted.Get("add"))); d.Folder && posted.Get("do") == "add" && name != "." {
		if !strings.HasSuffix(name, ".lua") {
			name += ".lua"
		}
		if !slices.ContainsFunc(d.Files, func(f draftFile) bool { return f.Name == name }) {
			d.Files = append(d.Files, draftFile{Name: name, Text: "-- " + name + "\nlocal M = {}\n\nreturn M\n"})
		}
	}
	for i := range d.Files {
		d.Files[i].Shown = shownName(d.Path, d.Files[i].Name)
	}
	return d
}

func unixLines(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }

// source is the draft as the engine takes it.
func (d *draft) source() engine.PluginSource {
	s := engine.PluginSource{Path: d.Path, Files: map[string]string{}}
	for _, f := range d.Files {
		s.Files[f.Name] = f.Text
	}
	return s
}

// editable reports whether a browser can hold the files without changing them.
func (d *draft) editable() bool {
	return !slices.ContainsFunc(d.Files, func(f draftFile) bool {
		return !utf8.ValidString(f.Text) || strings.ContainsRune(f.Text, 0) || strings.Contains(strings.ReplaceAll(f.Text, "\r\n", ""), "\r")
	})
}

// note finds the place of a problem, and leaves it there.
func (d *draft) note(p engine.PluginProblem, warning bool) draftNote {
	n := draftNote{File: -1, Line: p.Line, Column: p.Column, Message: p.Message, Warning: warning, Where: strings.TrimSuffix(place(p), ": ")}
	for i := range d.Files {
		f := &d.Files[i]
		if f.Shown == p.File || f.Name == mainFile && p.File == d.Path || len(d.Files) == 1 {
			n.File = i
			f.Notes = append(f.Notes, n)
			break
		}
	}
	return n
}

// ID is the element of the note's file, for links.
func (n draftNote) ID() string { return "text-" + strconv.Itoa(max(n.File, 0)) }
