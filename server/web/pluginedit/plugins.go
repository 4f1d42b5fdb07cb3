package pluginedit

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/luaapi/describe"
	"moonwatch/server/web/drawing"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/webform"
)

// Pages are the pages of plugins, with their editor.
type Pages struct {
	*frame.Frame
	drawnReference *referencePage
	words          string // what the editor of plugins completes, as JSON
}

// New returns the pages of plugins.
func New(f *frame.Frame) (*Pages, error) {
	words, err := json.Marshal(contractWords())
	if err != nil {
		return nil, fmt.Errorf("encode the words of the editor: %w", err)
	}
	return &Pages{f, drawReference(describe.Preface(), describe.Sections()), string(words)}, nil
}

// pluginLine is a plugin in the list.
type pluginLine struct {
	Card    frame.PluginCard
	Kind    engine.PluginKind // "" when it never loaded
	State   frame.Mark
	Problem string
	File    string
	Shipped bool
	Uses    int
	Cost    *engine.PluginStats
	Needs   string // what it lacks to send
	Unsent  *engine.Unsent
	For     string     // whose alert Unsent is
	Last    *time.Time // when it last sent
	Entry   engine.PluginEntry
}

type pluginList struct {
	Lines     []pluginLine
	OwnOnes   int
	PluginDir string
	CanEdit   bool
}

// stateOf says how a plugin stands.
func (w *Pages) stateOf(entry engine.PluginEntry) (m frame.Mark, why string) {
	held, suspended := w.Engine.Plugins.PluginSuspended(entry.Slug)
	switch {
	case entry.Plugin == nil:
		return frame.MarkBroken, problemText(entry)
	case entry.Orphaned:
		return frame.MarkOrphaned, "The file is gone. Its checks are unknown until it is back; their settings stay."
	case suspended:
		return frame.MarkSuspended, held
	case entry.Problem != nil:
		return frame.MarkStaleFile, problemText(entry)
	}
	return frame.MarkActive, ""
}

func problemText(entry engine.PluginEntry) string {
	if entry.Problem == nil {
		return ""
	}
	return place(*entry.Problem) + entry.Problem.Message
}

func place(p engine.PluginProblem) string {
	if p.File == "" {
		return ""
	}
	if p.Line > 0 && p.Column > 0 {
		return p.File + ":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Column) + ": "
	}
	if p.Line > 0 {
		return p.File + ":" + strconv.Itoa(p.Line) + ": "
	}
	return p.File + ": "
}

func (w *Pages) pluginLine(entry engine.PluginEntry) pluginLine {
	l := pluginLine{Card: frame.CardOf(entry.Slug, entry, true), File: entry.File, Shipped: entry.Shipped, Entry: entry}
	l.State, l.Problem = w.stateOf(entry)
	if entry.Plugin != nil {
		l.Kind = entry.Plugin.Meta().Kind
	}
	if l.Kind == engine.AlertPlugin {
		channel := w.Engine.Incidents.Channel(entry.Slug)
		l.Needs, l.Unsent, l.For = channel.Needs, channel.Unsent, channel.ForName
		l.Last = w.Engine.Incidents.LastSent(context.Background(), entry.Slug)
	}
	use := w.Engine.Plugins.PluginUse(entry.Slug)
	l.Uses = len(use.Checks) + len(use.Services) + len(use.Instances)
	return l
}

func (w *Pages) pluginsPage(q *frame.Request) error {
	l := pluginList{PluginDir: w.Options.PluginDir, CanEdit: w.Engine.Plugins.CanEditPlugins()}
	for _, entry := range w.Engine.Plugins.Plugins() {
		line := w.pluginLine(entry)
		line.Cost = w.cost(entry.Slug)
		if !line.Shipped {
			l.OwnOnes++
		}
		l.Lines = append(l.Lines, line)
	}
	slices.SortFunc(l.Lines, func(a, b pluginLine) int {
		return cmp.Or(cmp.Compare(frame.B2i(a.State == frame.MarkActive), frame.B2i(b.State == frame.MarkActive)), cmp.Compare(frame.B2i(a.Shipped), frame.B2i(b.Shipped)),
			strings.Compare(strings.ToLower(a.Card.Name), strings.ToLower(b.Card.Name)))
	})
	p := w.NewPage(q, "Plugins", "plugins")
	p.Events = "types=plugin"
	p.Body = l
	w.Render(q.Writer, http.StatusOK, "plugins", p)
	return nil
}

// pluginPage is the page of one plugin.
type pluginPage struct {
	frame.FormPage
	Line      pluginLine
	Meta      *engine.PluginMeta // nil when it never loaded
	Variables []variable
	Problems  []problemView
	Warnings  []problemView
	Failures  []engine.PluginError // of its own views
	Checks    []frame.CheckLine
	Services  []frame.Link
	Forms     []formDoc
	Settings  webform.View
	HasForm   bool
	Shares    string // slug whose settings it shares
	Suspended bool
	Inside    pluginInside
}

type variable struct {
	Name string
	Set  bool
}

// formDoc is one of the plugin's forms, told to its readers.
type formDoc struct {
	Title  string
	Fields []form.Field
}

// problemView is a problem with the lines around it.
type problemView struct {
	Where, Message string
	Lines          []sourceLine
}

type sourceLine struct {
	Number int
	Text   string
	At     bool
}

func (w *Pages) pluginPage(q *frame.Request) error {
	slug := mux.Vars(q.Request)["slug"]
	entry, err := w.Engine.Plugins.Plugin(slug)
	if err != nil {
		return err
	}
	stored := w.Engine.Site.PluginSettings(slug)
	public := w.Engine.Public(slug, engine.SettingsForm, stored.Values)
	return w.showPlugin(q, http.StatusOK, entry, public, webform.Drawing{
		Prefix: settingsPrefix,
		Stored: public,
		Errors: webform.NewErrors(),
	}, stored.Revision, "")
}

func (w *Pages) showPlugin(q *frame.Request, status int, entry engine.PluginEntry, raw map[string]any, draw webform.Drawing, revision uint64, message string) error {
	v := &pluginPage{Line: w.pluginLine(entry)}
	v.Revision, v.Message, v.Save = revision, message, "Save the settings"
	v.Action = "/plugins/" + entry.Slug
	v.Suspended = v.Line.State == frame.MarkSuspended
	v.Failures = w.Engine.Plugins.PluginErrors(entry.Slug)
	v.use(w, entry.Slug)
	var err error
	if v.Inside, err = w.inside(q, entry); err != nil {
		return err
	}
	for _, p := range entry.Problems {
		v.Problems = append(v.Problems, w.problemView(p))
	}
	for _, p := range entry.Warnings {
		v.Warnings = append(v.Warnings, w.problemView(p))
	}
	if entry.Plugin != nil {
		v.about(w, entry.Plugin.Meta())
		f := v.Meta.Forms[engine.SettingsForm]
		v.HasForm = len(f.Fields) > 0 && v.Shares == ""
		v.Settings = webform.Draw(f, raw, draw)
	}
	draw.Errors.Settle(v.Settings)
	v.Errors = draw.Errors.All()
	p := w.NewPage(q, v.Line.Card.Name, "plugins")
	p.Events = "types=plugin,check"
	p.Body = v
	w.Render(q.Writer, status, "plugin", p)
	return nil
}

func (v *pluginPage) about(w *Pages, m *engine.PluginMeta) {
	v.Meta, v.Shares = m, m.SettingsFrom
	for _, name := range m.Variables {
		_, set := w.Options.Env(name)
		v.Variables = append(v.Variables, variable{name, set})
	}
	for _, one := range ownForms() {
		if f := m.Forms[one.name]; len(f.Fields) > 0 {
			v.Forms = append(v.Forms, formDoc{one.title, f.Fields})
		}
	}
}

func (v *pluginPage) use(w *Pages, slug string) {
	use := w.Engine.Plugins.PluginUse(slug)
	for _, id := range use.Checks {
		if len(v.Checks) == 200 {
			break
		}
		if c, err := w.Engine.Checks.Check(id); err == nil {
			v.Checks = append(v.Checks, frame.LineOf(&c))
		}
	}
	frame.WorstFirst(v.Checks)
	for _, id := range use.Services {
		v.Services = append(v.Services, w.NameOfSubject(engine.Ref{Kind: engine.KindService, ID: id}))
	}
	for _, id := range use.Instances {
		v.Services = append(v.Services, w.NameOfSubject(engine.Ref{Kind: engine.KindInstance, ID: id}))
	}
}

// settingsPrefix stands before the posted names of a plugin's settings.
const settingsPrefix = "settings"

// excerptLines stand before and after the line of a problem.
const excerptLines = 4

func (w *Pages) problemView(p engine.PluginProblem) problemView {
	v := problemView{Where: strings.TrimSuffix(place(p), ": "), Message: p.Message}
	if p.Line < 1 || p.File == "" || w.Options.Source == nil {
		return v
	}
	data, err := w.Options.Source(p.File)
	if err != nil {
		return v
	}
	lines := strings.Split(strings.ToValidUTF8(string(data), "\uFFFD"), "\n")
	if len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	for n := max(1, p.Line-excerptLines); n <= min(len(lines), p.Line+excerptLines); n++ {
		v.Lines = append(v.Lines, sourceLine{n, drawing.Short(strings.TrimSuffix(lines[n-1], "\r"), 300), n == p.Line})
	}
	return v
}

// postPlugin saves a plugin's settings, resumes it, or adds and removes rows.
func (w *Pages) postPlugin(q *frame.Request) error {
	slug := mux.Vars(q.Request)["slug"]
	entry, err := w.Engine.Plugins.Plugin(slug)
	if err != nil {
		return err
	}
	if q.PostForm.Get("do") == "resume" {
		if err := w.Engine.Plugins.ResumePlugin(q.Context(), q.By(), slug); err != nil {
			return err
		}
		return q.Redirect("/plugins/" + slug + "?done=resumed")
	}
	f, _, known := w.PluginForm(slug, engine.SettingsForm)
	if !known {
		return &engine.Error{Kind: engine.Conflict, Message: "this plugin never loaded: it has no settings"}
	}
	stored := w.Engine.Site.PluginSettings(slug)
	draw := webform.Drawing{Stored: w.Engine.Public(slug, engine.SettingsForm, stored.Values), Errors: webform.NewErrors(), Posted: true}
	draw.Prefix = settingsPrefix
	blank, rows := webform.ChangeRows(f, settingsPrefix, q.PostForm)
	draw.Blank = blank
	raw := f.FromWeb(q.PostForm, settingsPrefix)
	at := frame.Revision(q.PostForm)
	if rows {
		return w.showPlugin(q, http.StatusOK, entry, raw, draw, at, "")
	}
	err = w.Engine.Site.SavePluginSettings(q.Context(), q.By(), slug, raw, &at)
	if err == nil {
		return q.Redirect("/plugins/" + slug + "?done=saved")
	}
	status, message, rest := frame.Outcome(frame.Below(err, settingsPrefix), "plugin", draw.Errors)
	if rest != nil {
		return rest
	}
	if engine.KindOf(err) == engine.Stale {
		at = stored.Revision
	}
	return w.showPlugin(q, status, entry, raw, draw, at, message)
}
