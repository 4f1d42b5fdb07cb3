package web

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/alert"
	"moonwatch/engine/edit"
	"moonwatch/engine/monitor"
	"moonwatch/server/web/alerting"
	"moonwatch/server/web/drawing"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/lookup"
)

// dashboardPages are the first page.
type dashboardPages struct{ *lookup.Lookup }

// dashboard shows what is broken and since when first; everything else is quiet.
type dashboard struct {
	Broken     []brokenSubject
	MoreBroken int
	Loose      []frame.CheckLine // failing checks that belong to nothing
	MoreLoose  int
	Unknown    []frame.CheckLine
	MoreUnk    int
	Quiet      []quietSubject
	MoreQuiet  int

	Subjects, Checks, Passing, Failing, Unclear, Pending, Off int

	Stats    monitor.Stats
	Lag      string
	Dead     []engine.Delivery
	Plugins  []pluginTrouble
	Channels []pluginTrouble // alert plugins in use that cannot send, or could not
	NoAlert  bool            // nothing is told to anybody
	Empty    bool
}

type brokenSubject struct {
	Kind, ID, Name string
	Status         engine.Status
	Since          *time.Time
	Ack            *alerting.AckView
	Incident       string
	Checks         []frame.CheckLine
	More           int
}

type quietSubject struct{ Kind, ID, Name string }

type pluginTrouble struct{ Slug, Name, Text string }

const (
	maxBroken  = 60  // subjects shown as broken
	maxFailing = 8   // failing checks shown of each
	maxQuiet   = 240 // quiet subjects shown by name
)

func (w *dashboardPages) dashboard(q *frame.Request) error {
	d := w.dashboardData(q)
	title := "Dashboard"
	if n := len(d.Broken) + d.MoreBroken; n > 0 {
		title = "(" + drawing.Grouped(strconv.Itoa(n)) + ") Dashboard"
	}
	p := w.NewPage(q, title, "dashboard")
	p.Events = "types=check,service,instance,incident,delivery,plugin,settings"
	p.Body = d
	w.Render(q.Writer, http.StatusOK, "dashboard", p)
	return nil
}

func (w *dashboardPages) dashboardData(q *frame.Request) *dashboard {
	d := &dashboard{Stats: w.Engine.Stats()}
	tally, troubled := w.Engine.Checks.Troubled()
	d.Checks = tally.Active + tally.Paused
	d.Passing, d.Failing, d.Unclear, d.Pending, d.Off = tally.Passing, tally.Failing, tally.Unknown, tally.Pending, tally.Paused
	d.subjects(w, troubled)
	d.loose(troubled)
	d.Lag = drawing.FormatSeconds(d.Stats.LagMax.Seconds())
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
	d.Empty = d.Checks == 0 && d.Subjects == 0
	return d
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

// subjects sorts services and instances into broken and quiet ones.
func (d *dashboard) subjects(w *dashboardPages, troubled []edit.CheckView) {
	byID := make(map[string]*edit.CheckView, len(troubled))
	for i := range troubled {
		byID[troubled[i].ID] = &troubled[i]
	}
	alerts := false
	for _, s := range w.EverySubject() {
		a, v := &s.Alerting, &s.View
		d.Subjects++
		alerts = alerts || len(a.Alerts) > 0 && a.AlertsEnabled
		if v.OverallStatus == engine.StatusPassing {
			d.Quiet = append(d.Quiet, quietSubject{s.Plural(), s.Meta.ID, s.Name})
			continue
		}
		b := brokenSubject{
			Kind:   s.Plural(),
			ID:     s.Meta.ID,
			Name:   s.Name,
			Status: v.OverallStatus,
			Since:  v.Since,
			Ack:    alerting.AckOf(s.Path(), s.Meta.ID, "", "/", v.Acknowledgement),
		}
		if v.Incident != nil {
			b.Incident = *v.Incident
		}
		for _, c := range a.StatusChecks {
			if c := byID[c]; c != nil && (c.Severity != "" || c.Status == engine.CheckFailing) {
				b.Checks = append(b.Checks, frame.LineOf(c))
			}
		}
		if s.Meta.ID == engine.BuiltInService {
			b.Checks = append(b.Checks, w.OwnTroubles(troubled, a.StatusChecks)...)
		}
		frame.WorstFirst(b.Checks)
		b.Checks, b.More = frame.Cut(b.Checks, maxFailing)
		d.Broken = append(d.Broken, b)
	}
	d.NoAlert = d.Subjects > 0 && !alerts
	slices.SortFunc(d.Broken, func(a, b brokenSubject) int {
		return cmp.Or(b.Status.Rank()-a.Status.Rank(), frame.Newest(a.Since, b.Since), strings.Compare(a.Name, b.Name))
	})
	slices.SortFunc(d.Quiet, func(a, b quietSubject) int { return strings.Compare(a.Name, b.Name) })
	d.Broken, d.MoreBroken = frame.Cut(d.Broken, maxBroken)
	d.Quiet, d.MoreQuiet = frame.Cut(d.Quiet, maxQuiet)
}

// loose finds the checks that fail and belong to nothing, and those that could not
// be made.
func (d *dashboard) loose(troubled []edit.CheckView) {
	for i := range troubled {
		c := &troubled[i]
		switch c.Status {
		case engine.CheckUnknown:
			d.Unknown = append(d.Unknown, frame.LineOf(c))
		case engine.CheckFailing:
			if len(c.Services)+len(c.InstanceIDs) == 0 {
				d.Loose = append(d.Loose, frame.LineOf(c))
			}
		}
	}
	frame.WorstFirst(d.Loose)
	frame.WorstFirst(d.Unknown)
	d.Loose, d.MoreLoose = frame.Cut(d.Loose, maxBroken)
	d.Unknown, d.MoreUnk = frame.Cut(d.Unknown, maxBroken)
}
