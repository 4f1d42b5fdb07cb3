package web

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/alert"
	"moonwatch/engine/edit"
	"moonwatch/engine/monitor"
	"moonwatch/server/web/drawing"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/lookup"
	"moonwatch/server/web/records"
)

// dashboardPages are the first page, and the same for a screen on a wall.
type dashboardPages struct{ *lookup.Lookup }

// dashboard shows what needs somebody first, then what is being handled, then that
// everything else is quiet.
type dashboard struct {
	Critical, Errors rows
	Warnings         rows
	MostWarn         string // what most warnings are about, in words
	Handled          rows
	Loose            rows // failing checks that belong to nothing
	Unknown          []frame.CheckLine
	MoreUnk          int
	Sky              []skyGroup

	Duty    []dutyLine
	Changes []records.Recent
	Planned []plannedSilence

	Subjects, Checks, Passing, Failing, Unclear, Pending, Off int

	Stats    monitorStats
	Dead     []engine.Delivery
	Plugins  []pluginTrouble
	Channels []pluginTrouble // alert plugins in use that cannot send, or could not
	NoAlert  bool            // nothing is told to anybody
	First    bool            // nothing is watched but the monitor itself
	Alone    bool            // there are checks, but no service or instance of one's own
	Wall     bool
}

type pluginTrouble struct{ Slug, Name, Text string }

const (
	maxRows    = 40 // rows shown of each kind
	maxUnknown = 40
)

func (w *dashboardPages) dashboard(q *frame.Request) error {
	return w.draw(q, q.URL.Query().Get("wall") != "")
}

// wall is the dashboard for a screen that is read from afar.
func (w *dashboardPages) wall(q *frame.Request) error { return w.draw(q, true) }

func (w *dashboardPages) draw(q *frame.Request, wall bool) error {
	d := w.dashboardData(q)
	d.Wall = wall
	title := "Dashboard"
	if n := d.Needs(); n > 0 {
		title = "(" + drawing.Grouped(strconv.Itoa(n)) + ") " + title
	}
	p := w.NewPage(q, title, "dashboard")
	if p.Wall = wall; wall && p.Theme == frame.ThemeAuto {
		p.Theme = frame.ThemeNight
	}
	p.Events = "types=check,service,instance,incident,delivery,plugin,settings,silence,rota"
	p.Body = d
	w.Render(q.Writer, http.StatusOK, "dashboard", p)
	return nil
}

// Needs is how many things need somebody: warnings, and what is handled, do not.
func (d *dashboard) Needs() int {
	return d.Critical.Len() + d.Errors.Len() + d.Loose.Len()
}

func (w *dashboardPages) dashboardData(q *frame.Request) *dashboard {
	d := &dashboard{Stats: monitorStats{Stats: w.Engine.Stats()}}
	d.Stats.Lag = drawing.FormatSeconds(d.Stats.LagMax.Seconds())
	tally, troubled := w.Engine.Checks.Troubled()
	d.Checks = tally.Active + tally.Paused
	d.Passing, d.Failing, d.Unclear, d.Pending, d.Off = tally.Passing, tally.Failing, tally.Unknown, tally.Pending, tally.Paused
	silences := w.Engine.Silences.Silences()
	b := newRowBuilder(w, q, troubled, silences)
	d.subjects(b)
	d.loose(b, troubled)
	d.beside(w, q, silences)
	d.itself(w, q)
	return d
}

// subjects sorts services and instances into those that need somebody, those that
// are handled and those that are quiet.
func (d *dashboard) subjects(b *rowBuilder) {
	alerts, own, ownChecks := false, 0, d.Checks
	sky := newSky()
	for _, s := range b.EverySubject() {
		a := &s.Alerting
		d.Subjects++
		alerts = alerts || len(a.Alerts) > 0 && a.AlertsEnabled
		if s.Ref() == engine.BuiltIn {
			ownChecks -= len(a.StatusChecks)
		} else {
			own++
		}
		handled := false
		if s.View.OverallStatus != engine.StatusPassing {
			handled = b.add(s)
		}
		sky.add(s, handled)
	}
	d.NoAlert = own > 0 && !alerts
	d.First, d.Alone = own == 0 && ownChecks <= 0, own == 0 && ownChecks > 0
	d.Sky = sky.groups()
	var all, warnings, critical, errors, handled []*row
	all = b.finished()
	for _, one := range all {
		switch {
		case one.Handled != "":
			handled = append(handled, one)
		case one.Status == frame.Standing(engine.StatusCritical):
			critical = append(critical, one)
		case one.Status == frame.Standing(engine.StatusWarning):
			warnings = append(warnings, one)
		default:
			errors = append(errors, one)
		}
	}
	d.MostWarn = mostly(warnings)
	d.Critical, d.Errors = b.cut(critical), b.cut(errors)
	d.Warnings, d.Handled = b.cut(warnings), b.cut(handled)
}

// loose finds the checks that fail and belong to nothing, and those that could not
// be made, but for those that a row shows already.
func (d *dashboard) loose(b *rowBuilder, troubled []edit.CheckView) {
	var loose []*row
	for i := range troubled {
		c := &troubled[i]
		switch {
		case b.shown[c.ID]:
		case c.Status == engine.CheckUnknown:
			d.Unknown = append(d.Unknown, frame.LineOf(c))
		case c.Status == engine.CheckFailing && len(c.Services)+len(c.InstanceIDs) == 0:
			loose = append(loose, b.looseRow(c))
		}
	}
	sortRows(loose)
	d.Loose = b.cut(loose)
	frame.WorstFirst(d.Unknown)
	d.Unknown, d.MoreUnk = frame.Cut(d.Unknown, maxUnknown)
}

// monitorStats is how the monitor itself does.
type monitorStats struct {
	monitor.Stats
	Lag string
}

// itself finds what is wrong with the monitor, and not with what it watches.
func (d *dashboard) itself(w *dashboardPages, q *frame.Request) {
	d.Dead, _ = w.DeliveriesSeen(q, alert.DeliveryQuery{State: engine.DeliveryDead, Limit: 5})
	since := w.Options.Now().Add(-48 * time.Hour)
	d.Dead = slices.DeleteFunc(d.Dead, func(one engine.Delivery) bool { return one.Created.Before(since) })
	for _, entry := range w.Engine.Plugins.Plugins() {
		if entry.Problem != nil {
			card := frame.CardOf(entry.Slug, entry, true)
			d.Plugins = append(d.Plugins, pluginTrouble{Slug: entry.Slug, Name: card.Name, Text: entry.Problem.Message})
		} else if why, held := w.Engine.Plugins.PluginSuspended(entry.Slug); held {
			d.Plugins = append(d.Plugins, pluginTrouble{Slug: entry.Slug, Name: frame.CardOf(entry.Slug, entry, true).Name, Text: why})
		}
		if entry.Plugin != nil && entry.Plugin.Meta().Kind == engine.AlertPlugin {
			d.channel(w.Engine.Incidents.Channel(entry.Slug), frame.CardOf(entry.Slug, entry, true).Name)
		}
	}
}

// channel tells of an alert plugin that is in use and cannot send, or could not.
func (d *dashboard) channel(c alert.Channel, name string) {
	if len(c.NeedsAt) > 0 {
		d.Channels = append(d.Channels, pluginTrouble{Slug: c.Slug, Name: name, Text: "cannot be sent: " + c.Needs})
	}
	if c.Unsent != nil && len(c.NeedsAt) == 0 { // else that is why
		d.Channels = append(d.Channels, pluginTrouble{Slug: c.Slug, Name: name, Text: "for " + c.ForName + " could not be sent: " + c.Unsent.Why})
	}
}

func (w *dashboardPages) Routes(get, post frame.Registering) {
	get("/", w.Need(access.Viewer, w.dashboard))
	get("/wall", w.Need(access.Viewer, w.wall))
	post("/acknowledge", w.Need(access.Operator, w.acknowledge))
}
