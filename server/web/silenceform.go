package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/engine/rota"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/webform"
)

// ownPage is a page of one of the engine's own forms.
type ownPage struct {
	frame.FormPage
	Crumbs []crumb
}

// crumb is one step of the way to a page.
type crumb struct{ Label, Path string }

// presets are the recurrences that are chosen by name.
func presets() []form.Choice {
	return []form.Choice{{
		Value: "",
		Label: "Once",
	}, {Value: "FREQ=DAILY", Label: "Every day"}, {Value: "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", Label: "On working days (Monday to Friday)"},
		{
			Value: "FREQ=WEEKLY",
			Label: "Every week on that day",
		}, {
			Value: "FREQ=WEEKLY;INTERVAL=2",
			Label: "Every other week on that day",
		}, {Value: "FREQ=MONTHLY", Label: "Every month on that date"}, {Value: "custom", Label: "By a rule of my own"}}
}

// repeatWords tells a recurrence, as the preset does or as it is.
func repeatWords(rule string) string {
	if rule == "" {
		return ""
	}
	for _, one := range presets() {
		if one.Value == rule {
			return strings.ToLower(one.Label[:1]) + one.Label[1:]
		}
	}
	return rule
}

func (w *silencePages) silenceForm() form.Form {
	const what, when = "What", "When"
	return form.Form{Fields: []form.Field{
		{Type: form.Char, Name: "comment", MaxLength: length(2000), HelpText: "Why it is quiet: shown beside what is silenced."},
		{Type: form.Char, Name: "starts_at", Label: "Starts", Required: true, Group: when},
		{
			Type:     form.Char,
			Name:     "ends_at",
			Label:    "Ends",
			Required: true,
			Group:    when,
			HelpText: "When it recurs, this is the end of the first time.",
		},
		{Type: form.Char, Name: "time_zone", Required: true, Group: when, HelpText: "The times above are wall time in it."},
		{Type: form.ChoiceOne, Name: "repeat", Label: "Again", Group: when, Choices: presets()},
		{Type: form.Char, Name: "rrule", Label: "Rule", Required: true,
			Group: when, Placeholder: "FREQ=MONTHLY;BYDAY=2TU",
			HelpText: "As RFC 5545 writes them, at most daily. FREQ=MONTHLY;BYDAY=2TU is every second Tuesday; ;COUNT=5 or ;UNTIL=20271231 (the last day) ends it. The first time always holds.",
			ShowIf:   map[string][]any{"repeat": {"custom"}}},
		{Type: form.Boolean, Name: "maintenance", Label: "This is maintenance", Group: when,
			HelpText: "Its time is left out of uptime figures, and the public status page shows it as planned."},
		{Type: form.ChoiceMany, Name: "services", Widget: "SelectMultiple", Group: what, Choices: w.subjectChoices(engine.KindService, "", "")},
		{Type: form.ChoiceMany, Name: "instances", Widget: "SelectMultiple", Group: what, Choices: w.subjectChoices(engine.KindInstance, "", "")},
		{Type: form.ChoiceMany, Name: "checks", Widget: "SelectMultiple", Group: what, Choices: w.checkChoices()},
		{Type: form.Char, Name: "tags", Group: what, HelpText: "Everything that bears one of them, with commas between them."},
	}}
}

// wallText is an instant as a datetime-local input takes it.
func wallText(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return strings.TrimSuffix(t.In(zone).Format(webform.LocalLayout), ":00")
}

func silenceRaw(s *engine.Silence) map[string]any {
	zone, err := time.LoadLocation(s.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	repeat, rule := s.RRule, ""
	if !slices.ContainsFunc(presets(), func(c form.Choice) bool { return c.Value == repeat }) {
		repeat, rule = "custom", s.RRule
	}
	return map[string]any{
		"comment":     s.Comment,
		"services":    anyTexts(s.Services),
		"instances":   anyTexts(s.Instances),
		"checks":      anyTexts(s.Checks),
		"tags":        strings.Join(s.Tags, ", "),
		"starts_at":   wallText(s.StartsAt, zone),
		"ends_at":     wallText(s.EndsAt, zone),
		"time_zone":   s.TimeZone,
		"repeat":      repeat,
		"rrule":       rule,
		"maintenance": s.Maintenance,
	}
}

func (w *silencePages) newSilenceForm(q *frame.Request) error {
	s := engine.NewSilence()
	query := q.URL.Query()
	if id := query.Get("service"); id != "" {
		s.Services = []string{id}
	}
	if id := query.Get("instance"); id != "" {
		s.Instances = []string{id}
	}
	if id := query.Get("check"); id != "" {
		s.Checks = []string{id}
	}
	s.TimeZone = zoneOf(q.User)
	s.StartsAt = w.Options.Now().Truncate(time.Minute)
	s.EndsAt = s.StartsAt.Add(time.Hour)
	return w.showSilenceForm(q, http.StatusOK, &s, silenceRaw(&s), webform.NewErrors(), "", 0)
}

func (w *silencePages) silenceEditForm(q *frame.Request) error {
	v, err := w.Engine.Silences.Silence(q.ID())
	if err != nil {
		return err
	}
	return w.showSilenceForm(q, http.StatusOK, &v.Silence, silenceRaw(&v.Silence), webform.NewErrors(), "", v.Revision)
}

func (w *silencePages) showSilenceForm(q *frame.Request, status int, s *engine.Silence, raw map[string]any, errs webform.Errors, message string, revision uint64) error {
	v := ownPage{Crumbs: []crumb{{"Silences", "/silences"}}}
	v.Action, v.Save, v.Back, v.Revision, v.Message = "/silences/new", "Create the silence", "/silences", revision, message
	title := "New silence"
	if s.ID != "" {
		path := "/silences/" + s.ID
		title = "Edit the silence"
		v.Action, v.Save, v.Back = path+"/edit", "Save", path
		v.Crumbs = append(v.Crumbs, crumb{cmp.Or(s.Comment, "Silence"), path})
	}
	v.Own = webform.Draw(w.silenceForm(), raw, webform.Drawing{Errors: errs, Posted: true})
	v.Own.Each(func(f *webform.Field) {
		switch f.Name {
		case "starts_at", "ends_at":
			asWallTime(f)
		case "time_zone":
			f.Suggestions = zones()
		case "services", "instances", "checks":
			chosenFirst(f)
		}
	})
	errs.Settle(v.Own)
	v.Errors = errs.All()
	p := w.NewPage(q, title, "silences")
	p.Body = v
	w.Render(q.Writer, status, "ownform", p)
	return nil
}

// asWallTime lets a date and time be chosen; what cannot be one stays as it was typed.
func asWallTime(f *webform.Field) {
	if _, err := webform.ParseLocal(f.Value); err == nil || f.Value == "" {
		f.Type = "datetime-local"
	}
}

// chosenFirst makes a long list one that can be searched, with what is chosen at
// its top.
func chosenFirst(f *webform.Field) {
	f.Picker = true
	slices.SortStableFunc(f.Options, func(a, b webform.Option) int { return frame.B2i(b.Selected) - frame.B2i(a.Selected) })
}

// wallTime reads a wall time of a zone and notes what is wrong with it.
func wallTime(text, name string, zone *time.Location, errs webform.Errors) time.Time {
	at, err := webform.ParseLocal(text)
	if err != nil {
		if text != "" { // else it was said that it is required
			errs.Add(name, "write a date and time such as 2026-01-05T09:00")
		}
		return time.Time{}
	}
	return rota.FromWall(at, zone)
}

func (w *silencePages) saveNewSilence(q *frame.Request) error {
	return w.storeSilence(q, engine.NewSilence())
}

func (w *silencePages) saveOldSilence(q *frame.Request) error {
	v, err := w.Engine.Silences.Silence(q.ID())
	if err != nil {
		return err
	}
	return w.storeSilence(q, v.Silence)
}

func (w *silencePages) storeSilence(q *frame.Request, base engine.Silence) error {
	f := w.silenceForm()
	raw := f.FromWeb(q.PostForm, "")
	errs := webform.NewErrors()
	at := frame.Revision(q.PostForm)
	values, _ := q.CleanOwn(f, raw, errs)
	s := base
	s.Revision = at
	applySilence(&s, values, errs)
	if errs.Any() {
		return w.showSilenceForm(q, http.StatusUnprocessableEntity, &base, raw, errs, "", at)
	}
	saved, err := w.Engine.Silences.SaveSilence(q.Context(), q.By(), s)
	if err == nil {
		done := "saved"
		if base.ID == "" {
			done = "made"
		}
		return q.Redirect("/silences/" + url.PathEscape(saved.ID) + "?done=" + done)
	}
	status, message, rest := frame.Outcome(err, "silence", errs)
	if rest != nil {
		return rest
	}
	if engine.KindOf(err) == engine.Stale {
		at = base.Revision
	}
	return w.showSilenceForm(q, status, &base, raw, errs, message, at)
}

func applySilence(s *engine.Silence, v form.Values, errs webform.Errors) {
	s.Comment, s.Maintenance = frame.TextOf(v["comment"]), v["maintenance"] == true
	s.Services, s.Instances, s.Checks, s.Tags = webform.Texts(v["services"]), webform.Texts(v["instances"]), webform.Texts(v["checks"]), words(frame.TextOf(v["tags"]))
	s.TimeZone, s.RRule = strings.TrimSpace(frame.TextOf(v["time_zone"])), frame.TextOf(v["repeat"])
	if s.RRule == "custom" {
		s.RRule = strings.TrimSpace(frame.TextOf(v["rrule"]))
	}
	zone, err := time.LoadLocation(s.TimeZone)
	if err != nil {
		zone = time.UTC // the engine says what is wrong with it
	}
	s.StartsAt, s.EndsAt = wallTime(frame.TextOf(v["starts_at"]), "starts_at", zone, errs), wallTime(frame.TextOf(v["ends_at"]), "ends_at", zone, errs)
}
