package cli

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/luaapi"
	"moonwatch/plugins"
)

type pluginDocCommand struct {
	File string `arg:"" help:"A plugin's file or folder."`
}

// Run prints the reference of the plugin's own settings, as Markdown.
func (c *pluginDocCommand) Run(s streams) error {
	lua, err := luaapi.New(luaapi.Options{Shipped: plugins.Files(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer lua.Close()
	found, problems, _ := lua.LoadFile(context.Background(), c.File)
	for _, p := range problems {
		fmt.Fprintln(s.err, problemLine(p))
	}
	if len(problems) > 0 {
		return exitCode(1)
	}
	for i, p := range found {
		if i > 0 {
			fmt.Fprintln(s.out)
		}
		fmt.Fprint(s.out, pluginDoc(p))
	}
	return nil
}

// pluginDoc is what a plugin's table and forms say, as Markdown.
func pluginDoc(p engine.Plugin) string {
	m := p.Meta()
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n", m.Name)
	if m.Summary != "" {
		fmt.Fprintf(&b, "%s\n\n", m.Summary)
	}
	about := []string{fmt.Sprintf("%s plugin `%s`, version %s", map[engine.PluginKind]string{
		engine.CheckPlugin: "Check",
		engine.AlertPlugin: "Alert",
	}[m.Kind], m.Slug, m.Version)}
	for _, part := range []struct{ what, text string }{{"by ", m.Author}, {"license ", m.License}, {"", m.Homepage}} {
		if part.text != "" {
			about = append(about, part.what+part.text)
		}
	}
	if m.Kind == engine.AlertPlugin {
		about = append(about, "channel "+m.Channel)
	}
	fmt.Fprintf(&b, "%s.\n", strings.Join(about, ", "))
	for _, one := range []struct {
		form           engine.FormName
		title, comment string
	}{
		{engine.ConfigForm, "Settings of a check", ""},
		{engine.SettingsForm, "Settings of the site", "An administrator fills them in once."},
		{engine.ServiceConfigForm, "Settings of a service", ""},
		{engine.UserConfigForm, "Settings of a user", ""},
	} {
		if f := m.Forms[one.form]; len(f.Fields) > 0 {
			fmt.Fprintf(&b, "\n## %s\n\n", one.title)
			if one.comment != "" {
				fmt.Fprintf(&b, "%s\n\n", one.comment)
			}
			b.WriteString("| field | what | default | |\n| --- | --- | --- | --- |\n")
			docFields(&b, f, "")
		}
	}
	if len(m.Variables) > 0 {
		fmt.Fprintf(&b, "\n## Environment\n\nIt may read `%s`.\n", strings.Join(m.Variables, "`, `"))
	}
	if views, ok := p.(interface{ Views() []engine.ViewRoute }); ok && len(views.Views()) > 0 {
		b.WriteString("\n## Views\n\n| view | who may call it |\n| --- | --- |\n")
		for _, v := range views.Views() {
			who := "role " + string(v.Role) + " and above"
			if v.Public {
				who = "everybody"
			}
			fmt.Fprintf(&b, "| `%s /plugins/%s/%s` | %s |\n", strings.Join(v.Methods, ", "), m.Slug, v.Path, who)
		}
	}
	return b.String()
}

func docFields(b *strings.Builder, f form.Form, prefix string) {
	for i := range f.Fields {
		field := &f.Fields[i]
		initial := ""
		if field.Initial != nil {
			initial = fmt.Sprintf("`%v`", field.Initial)
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", prefix+field.Name, cell(fieldText(field)), cell(initial), cell(strings.Join(fieldNotes(field), "; ")))
		if field.Type == form.List {
			docFields(b, form.Form{Fields: field.Fields}, prefix+field.Name+"[].")
		}
	}
}

func cell(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "|", `\|`), "\n", " ")
}

func fieldText(f *form.Field) string {
	text := f.HelpText
	if text == "" {
		text = f.Label
	}
	if len(f.Choices) > 0 {
		var values []string
		for _, c := range f.Choices {
			values = append(values, "`"+c.Value+"`")
		}
		text = strings.TrimSpace(strings.TrimRight(text, ".") + " (" + strings.Join(values, ", ") + ")")
	}
	return text
}

// fieldNotes are what else a form says of a field.
func fieldNotes(f *form.Field) []string {
	notes := []string{string(f.Type)}
	add := func(when bool, format string, values ...any) {
		if when {
			notes = append(notes, fmt.Sprintf(format, values...))
		}
	}
	need := f.Required && f.Initial == nil && f.Env == "" && f.Type != form.Boolean
	add(need && len(f.ShowIf) == 0, "required")
	add(need && len(f.ShowIf) > 0, "required where it is shown")
	add(f.Secret(), "secret")
	add(f.Env != "", "else `%s` of the environment", f.Env)
	add(f.Unit != "", "in %s", f.Unit)
	if f.MinValue != nil {
		add(true, "at least %v", *f.MinValue)
	}
	if f.MaxValue != nil {
		add(true, "at most %v", *f.MaxValue)
	}
	if f.MaxLength != nil {
		add(true, "at most %d characters", *f.MaxLength)
	}
	add(f.Deprecated != "", "deprecated: %s", f.Deprecated)
	return notes
}
