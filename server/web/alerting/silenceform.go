package alerting

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/ownform"
	"moonwatch/server/web/webform"
)

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

func (w *Pages) silenceForm() form.Form {
	const what, when = "What", "When"
	return form.Form{Fields: []form.Field{
		{Type: form.Char, Name: "comment", MaxLength: ownform.Length(2000), HelpText: "Why it is quiet: shown beside what is silenced."},
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
		{Type: form.ChoiceMany, Name: "services", Widget: "SelectMultiple", Group: what, Choices: w.SubjectChoices(engine.KindService, "", "")},
		{Type: form.ChoiceMany, Name: "instances", Widget: "SelectMultiple", Group: what, Choices: w.SubjectChoices(engine.KindInstance, "", "")},
		{Type: form.ChoiceMany, Name: "checks", Widget: "SelectMultiple", Group: what, Choices: w.CheckChoices()},
		{Type: form.Char, Name: "tags", Group: what, HelpText: "Everything that bears one of them, with commas between them."},
	}}
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
		"services":    ownform.AnyTexts(s.Services),
		"instances":   ownform.AnyTexts(s.Instances),
		"checks":      ownform.AnyTexts(s.Checks),
		"tags":        strings.Join(s.Tags, ", "),
		"starts_at":   ownform.WallText(s.StartsAt, zone),
		"ends_at":     ownform.WallText(s.EndsAt, zone),
		"time_zone":   s.TimeZone,
		"repeat":      repeat,
		"rrule":       rule,
		"maintenance": s.Maintenance,
	}
}

func (w *Pages) newSilenceForm(q *frame.Request) error {
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
	s.TimeZone = ownform.ZoneOf(q.User)
	s.StartsAt = w.Options.Now().Truncate(time.Minute)
	s.EndsAt = s.StartsAt.Add(time.Hour)
	return w.showSilenceForm(q, http.StatusOK, &s, silenceRaw(&s), webform.NewErrors(), "", 0)
}

func (w *Pages) silenceEditForm(q *frame.Request) error {
	v, err := w.Engine.Silences.Silence(q.ID())
	if err != nil {
		return err
	}
	return w.showSilenceForm(q, http.StatusOK, &v.Silence, silenceRaw(&v.Silence), webform.NewErrors(), "", v.Revision)
}

func (w *Pages) showSilenceForm(q *frame.Request, status int, s *engine.Silence, raw map[string]any, errs webform.Errors, message string, revision uint64) error {
	v := frame.OwnPage{Crumbs: []frame.Crumb{{Label: "Silences", Path: "/silences"}}}
	v.Action, v.Save, v.Back, v.Revision, v.Message = "/silences/new", "Create the silence", "/silences", revision, message
	title := "New silence"
	if s.ID != "" {
		path := "/silences/" + s.ID
		title = "Edit the silence"
		v.Action, v.Save, v.Back = path+"/edit", "Save", path
		v.Crumbs = append(v.Crumbs, frame.Crumb{Label: cmp.Or(s.Comment, "Silence"), Path: path})
	}
	v.Own = webform.Draw(w.silenceForm(), raw, webform.Drawing{Errors: errs, Posted: true})
	v.Own.Each(func(f *webform.Field) {
		switch f.Name {
		case "starts_at", "ends_at":
			ownform.AsWallTime(f)
		case "time_zone":
			f.Suggestions = ownform.Zones()
		case "services", "instances", "checks":
			ownform.ChosenFirst(f)
		}
	})
	errs.Settle(v.Own)
	v.Errors = errs.All()
	p := w.NewPage(q, title, "silences")
	p.Body = v
	w.Render(q.Writer, status, "ownform", p)
	return nil
}

func (w *Pages) saveNewSilence(q *frame.Request) error {
	return w.storeSilence(q, engine.NewSilence())
}

func (w *Pages) saveOldSilence(q *frame.Request) error {
	v, err := w.Engine.Silences.Silence(q.ID())
	if err != nil {
		return err
	}
	return w.storeSilence(q, v.Silence)
}

func (w *Pages) storeSilence(q *frame.Request, base engine.Silence) error {
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
	s.Services, s.Instances, s.Checks, s.Tags = webform.Texts(v["services"]), webform.Texts(v["instances"]), webform.Texts(v["checks"]), ownform.Words(frame.TextOf(v["tags"]))
	s.TimeZone, s.RRule = strings.TrimSpace(frame.TextOf(v["time_zone"])), frame.TextOf(v["repeat"])
	if s.RRule == "custom" {
		s.RRule = strings.TrimSpace(frame.TextOf(v["rrule"]))
	}
	zone, err := time.LoadLocation(s.TimeZone)
	if err != nil {
		zone = time.UTC // the engine says what is wrong with it
	}
	s.StartsAt, s.EndsAt = ownform.WallTime(frame.TextOf(v["starts_at"]), "starts_at", zone, errs), ownform.WallTime(frame.TextOf(v["ends_at"]), "ends_at", zone, errs)
}
