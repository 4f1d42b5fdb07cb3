package rotas

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/engine/rota"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/ownform"
	"moonwatch/server/web/webform"
)

// Where a rota's shifts come from.
const (
	fromFeed     = "feed"
	fromRotation = "rotation"
	fromHand     = "none"
)

func (w *Pages) rotaForm() form.Form {
	const shifts = "Who is on duty when"
	return form.Form{Fields: []form.Field{
		{Type: form.Char, Name: "name", Required: true, MaxLength: ownform.Length(200)},
		{Type: form.Char, Name: "time_zone", Required: true, HelpText: "Handovers are wall time in it."},
		{
			Type:     form.ChoiceOne,
			Name:     "fallback_user",
			Choices:  w.UserChoices(),
			HelpText: "On duty when nobody else is. Empty: the site's fallback user.",
		},
		{
			Type:     form.ChoiceOne,
			Name:     "source",
			Label:    "Shifts come from",
			Required: true,
			Widget:   "RadioSelect",
			Group:    shifts,
			Choices: []form.Choice{
				{
					Value: fromRotation,
					Label: "People who take turns, by day or week",
				}, {
					Value: fromFeed,
					Label: "A calendar: Google, Outlook, Apple, PagerDuty, Grafana, …",
				}, {Value: fromHand, Label: "The dates below alone"}},
		},
		{Type: form.URL, Name: "ical_url", Label: "Address of the calendar", Required: true,
			Group: shifts, ShowIf: map[string][]any{"source": {fromFeed}}, Placeholder: "https://calendar.example.org/oncall.ics",
			HelpText: "In iCal format, read now and every 30 minutes. Whoever is invited or named in the title is on duty; users are found by e-mail address or username."},
		{Type: form.List, Name: "rotation.members", Label: "People, in the order of their turns", Required: true,
			Group: shifts, ShowIf: map[string][]any{"source": {fromRotation}},
			HelpText: "A change keeps who is on duty until their handover.",
			Fields:   []form.Field{{Type: form.ChoiceOne, Name: "user", Required: true, Choices: w.UserChoices()}}},
		{Type: form.Char, Name: "rotation.every", Label: "A turn lasts", Required: true, Initial: "1w",
			Group: shifts, ShowIf: map[string][]any{"source": {fromRotation}},
			HelpText: "In whole days or weeks: 1d, 1w, 2w."},
		{Type: form.Char, Name: "rotation.starts", Label: "First handover", Required: true,
			Group: shifts, ShowIf: map[string][]any{"source": {fromRotation}},
			HelpText: "The first person's turn begins then, and every handover is at that time of day."},
		{
			Type:     form.List,
			Name:     "overrides",
			Label:    "Swaps and holidays",
			Group:    "Instead",
			HelpText: "For this time, this person is on duty instead.",
			Fields: []form.Field{{Type: form.ChoiceOne, Name: "user", Label: "On duty", Required: true,
				Choices: w.UserChoices()}, {
				Type:     form.Char,
				Name:     "start",
				Label:    "From",
				Required: true,
			}, {Type: form.Char, Name: "end", Label: "Until", Required: true}},
		},
	}}
}

func rotaRaw(r *engine.Rota) map[string]any {
	raw := map[string]any{"name": r.Name, "time_zone": r.TimeZone, "fallback_user": r.FallbackUser, "ical_url": r.ICalURL, "source": fromHand}
	zone, err := rota.LoadZone(r.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	switch {
	case r.ICalURL != "":
		raw["source"] = fromFeed
	case r.Rotation != nil || r.ID == "":
		raw["source"] = fromRotation
	}
	members := []any{}
	if r.Rotation != nil {
		for _, id := range r.Rotation.Members {
			members = append(members, map[string]any{"user": id})
		}
		raw["rotation.every"], raw["rotation.starts"] = r.Rotation.Every, r.Rotation.Starts
	} else {
		raw["rotation.every"] = "1w"
	}
	raw["rotation.members"] = members
	overrides := []any{}
	for _, o := range r.Overrides {
		overrides = append(overrides, map[string]any{"user": o.User, "start": ownform.WallText(o.Start, zone), "end": ownform.WallText(o.End, zone)})
	}
	raw["overrides"] = overrides
	return raw
}

func (w *Pages) newRotaForm(q *frame.Request) error {
	r := engine.NewRota()
	r.TimeZone = ownform.ZoneOf(q.User)
	raw := rotaRaw(&r)
	now := w.Options.Now()
	if zone, err := rota.LoadZone(r.TimeZone); err == nil {
		now = now.In(zone)
	}
	monday := now.AddDate(0, 0, -(int(now.Weekday())+6)%7)
	raw["rotation.starts"] = monday.Format("2006-01-02") + "T09:00"
	return w.showRotaForm(q, http.StatusOK, &r, raw, webform.Drawing{Errors: webform.NewErrors()}, "", 0)
}

func (w *Pages) rotaEditForm(q *frame.Request) error {
	r, err := w.Engine.OnCall.StoredRota(q.ID())
	if err != nil {
		return err
	}
	return w.showRotaForm(q, http.StatusOK, &r, rotaRaw(&r), webform.Drawing{Errors: webform.NewErrors()}, "", r.Revision)
}

func (w *Pages) showRotaForm(q *frame.Request, status int, r *engine.Rota, raw map[string]any, draw webform.Drawing, message string, revision uint64) error {
	v := frame.OwnPage{Crumbs: []frame.Crumb{{Label: "On call", Path: "/rotas"}}}
	v.Action, v.Save, v.Back, v.Revision, v.Message = "/rotas/new", "Create the rota", "/rotas", revision, message
	title := "New rota"
	if r.ID != "" {
		path := "/rotas/" + r.ID
		title = "Edit " + r.Name
		v.Action, v.Save, v.Back = path+"/edit", "Save", path
		v.Crumbs = append(v.Crumbs, frame.Crumb{Label: r.Name, Path: path})
	}
	v.Own = webform.Draw(w.rotaForm(), raw, draw)
	v.Own.Each(func(f *webform.Field) {
		switch {
		case f.Name == "rotation.starts" || strings.HasPrefix(f.Name, "overrides.") && (strings.HasSuffix(f.Name, ".start") || strings.HasSuffix(f.Name, ".end")):
			ownform.AsWallTime(f)
		case f.Name == "time_zone":
			f.Suggestions = ownform.Zones()
		}
	})
	draw.Errors.Settle(v.Own)
	v.Errors = draw.Errors.All()
	p := w.NewPage(q, title, "rotas")
	p.Body = v
	w.Render(q.Writer, status, "ownform", p)
	return nil
}

func (w *Pages) saveNewRota(q *frame.Request) error { return w.storeRota(q, engine.NewRota()) }

func (w *Pages) saveOldRota(q *frame.Request) error {
	r, err := w.Engine.OnCall.StoredRota(q.ID())
	if err != nil {
		return err
	}
	return w.storeRota(q, r)
}

func (w *Pages) storeRota(q *frame.Request, base engine.Rota) error {
	f := w.rotaForm()
	draw := webform.Drawing{Errors: webform.NewErrors(), Posted: true}
	at := frame.Revision(q.PostForm)
	ownform.KeepChosen(q.PostForm, "rotation.members", "user")
	ownform.KeepChosen(q.PostForm, "overrides", "user")
	blank, rows := webform.ChangeRows(f, "", q.PostForm)
	draw.Blank = blank
	raw := f.FromWeb(q.PostForm, "")
	if rows {
		return w.showRotaForm(q, http.StatusOK, &base, raw, draw, "", at)
	}
	values, _ := q.CleanOwn(f, raw, draw.Errors)
	r := base
	r.Revision = at
	applyRota(&r, values, draw.Errors)
	if draw.Errors.Any() {
		return w.showRotaForm(q, http.StatusUnprocessableEntity, &base, raw, draw, "", at)
	}
	saved, err := w.Engine.Rotas.SaveRota(q.Context(), q.By(), r)
	if err == nil {
		done := "saved"
		if base.ID == "" {
			done = "made"
		}
		return q.Redirect("/rotas/" + url.PathEscape(saved.ID) + "?done=" + done)
	}
	status, message, rest := frame.Outcome(err, "rota", draw.Errors)
	if rest != nil {
		return rest
	}
	if engine.KindOf(err) == engine.Stale {
		at = base.Revision
	}
	return w.showRotaForm(q, status, &base, raw, draw, message, at)
}

func applyRota(r *engine.Rota, v form.Values, errs webform.Errors) {
	r.Name, r.TimeZone, r.FallbackUser = frame.TextOf(v["name"]), strings.TrimSpace(frame.TextOf(v["time_zone"])), frame.TextOf(v["fallback_user"])
	zone, err := rota.LoadZone(r.TimeZone)
	if err != nil {
		zone = time.UTC // the engine says what is wrong with it
	}
	r.ICalURL, r.Rotation = "", nil
	switch v["source"] {
	case fromFeed:
		r.ICalURL = frame.TextOf(v["ical_url"])
	case fromRotation:
		r.Rotation = &engine.RotaRotation{Every: strings.TrimSpace(frame.TextOf(v["rotation.every"])), Starts: frame.TextOf(v["rotation.starts"])}
		for _, row := range ownform.RowsOf(v["rotation.members"]) {
			r.Rotation.Members = append(r.Rotation.Members, frame.TextOf(row["user"]))
		}
	}
	r.Overrides = []engine.RotaOverride{}
	for i, row := range ownform.RowsOf(v["overrides"]) {
		place := "overrides." + strconv.Itoa(i)
		r.Overrides = append(r.Overrides, engine.RotaOverride{
			User:  frame.TextOf(row["user"]),
			Start: ownform.WallTime(frame.TextOf(row["start"]), place+".start", zone, errs),
			End:   ownform.WallTime(frame.TextOf(row["end"]), place+".end", zone, errs),
		})
	}
}
