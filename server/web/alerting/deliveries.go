package alerting

import (
	"net/http"
	"net/url"
	"slices"

	"moonwatch/engine"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/lookup"
	"moonwatch/server/web/webform"
)

// deliveryList is the page of all deliveries.
type deliveryList struct {
	Rows            []DeliveryRow
	Tabs            []tab
	States, Plugins []webform.Option
	People          []webform.Option
	State, Plugin   string
	User            string
	Older           string
	Newest          string // "" on the first page
}

// Any reports whether the filter leaves anything out.
func (l *deliveryList) Any() bool { return l.State+l.Plugin+l.User != "" }

// failures stands in the filter for what did not arrive: given up, or failed and
// to be tried again.
const failures = "failures"

// DeliveryRow is a delivery in a list.
type DeliveryRow struct {
	engine.Delivery
	Through string // the plugin's name
	Who     string // for whom, "" for a receiver that is nobody
}

// DeliveryRows are deliveries as lists show them.
func DeliveryRows(w *lookup.Lookup, found []engine.Delivery) []DeliveryRow {
	people, names, rows := w.People(), map[string]string{}, make([]DeliveryRow, 0, len(found))
	for i := range found {
		d := &found[i]
		if names[d.Plugin] == "" {
			names[d.Plugin] = w.Card(d.Plugin).Name
		}
		rows = append(rows, DeliveryRow{Delivery: *d, Through: names[d.Plugin], Who: frame.Listed(people.Names(recipients(d)))})
	}
	return rows
}

func (w *Pages) deliveries(q *frame.Request) error {
	query := q.URL.Query()
	l := deliveryList{State: query.Get("state"), Plugin: query.Get("plugin"), User: query.Get("user")}
	w.deliveryChoices(&l, query)
	if query.Get("before") != "" {
		l.Newest = frame.WithQuery("/deliveries", query, "before", "")
	}
	ask := engine.Query{After: query.Get("before"), Reverse: true}
	switch {
	case l.State != "" && l.State != failures:
		ask.Term = "state:" + l.State
	case l.Plugin != "":
		ask.Term = "plugin:" + l.Plugin
	}
	var found []engine.Delivery
	scanned, last := 0, ""
	for d, err := range w.Engine.Incidents.ScanDeliveries(q.Context(), ask) {
		if err != nil {
			return err
		}
		if len(found) == frame.MaxListed || scanned == maxScanned {
			l.Older = frame.OlderLink(query, last)
			break
		}
		scanned, last = scanned+1, d.ID
		if l.matches(&d) {
			found = append(found, w.Seen(q, d))
		}
	}
	l.Rows = DeliveryRows(w.Lookup, found)
	p := w.NewPage(q, "Deliveries", "deliveries")
	p.Events = "types=delivery"
	p.Body = &l
	w.Render(q.Writer, http.StatusOK, "deliveries", p)
	return nil
}

// matches reports whether a delivery is asked for.
func (l *deliveryList) matches(d *engine.Delivery) bool {
	switch l.State {
	case "":
	case failures:
		if d.State != engine.DeliveryFailed && d.State != engine.DeliveryDead {
			return false
		}
	default:
		if string(d.State) != l.State {
			return false
		}
	}
	return (l.Plugin == "" || d.Plugin == l.Plugin) && (l.User == "" || slices.Contains(recipients(d), l.User))
}

// deliveryChoices fills what the filter offers.
func (w *Pages) deliveryChoices(l *deliveryList, query url.Values) {
	for _, t := range []tab{{Label: "All"}, {Label: "Not arrived", Address: failures}} {
		l.Tabs = append(l.Tabs, tab{t.Label, frame.WithQuery("/deliveries", query, "state", t.Address), l.State == t.Address})
	}
	for _, s := range []engine.DeliveryState{engine.DeliveryPending, engine.DeliveryFailed, engine.DeliveryDead, engine.DeliverySent, engine.DeliverySkipped, engine.DeliverySuperseded} {
		l.States = append(l.States, webform.Option{Value: string(s), Label: frame.DeliveryShape(s).Word, Selected: string(s) == l.State})
	}
	for _, card := range w.Cards(engine.AlertPlugin) {
		l.Plugins = append(l.Plugins, webform.Option{Value: card.Slug, Label: card.Name, Selected: card.Slug == l.Plugin})
	}
	for _, u := range w.UserChoices() {
		l.People = append(l.People, webform.Option{Value: u.Value, Label: u.Label, Selected: u.Value == l.User})
	}
}

// deliveryPage is the page of one delivery.
type deliveryPage struct {
	Delivery  engine.Delivery
	Plugin    frame.PluginCard
	Kind      string
	Users     []string
	Officers  []string
	Reached   []string
	Deferred  []lookup.Setting
	Retriable bool
}

func (w *Pages) delivery(q *frame.Request) error {
	d, err := w.Engine.Incidents.Delivery(q.Context(), q.ID())
	if err != nil {
		return err
	}
	d = w.Seen(q, d)
	people := w.People()
	v := deliveryPage{
		Delivery: d,
		Plugin:   w.Card(d.Plugin),
		Kind:     frame.KindOf(&d),
		Users:    people.Names(d.Users),
		Officers: people.Names(d.DutyOfficers),
		Reached:  people.Names(d.Reached),
	}
	v.Retriable = (d.State == engine.DeliveryFailed || d.State == engine.DeliveryDead) && !d.UnderWay()
	for _, h := range d.Deferred {
		v.Deferred = append(v.Deferred, lookup.Setting{Label: people.Name(h.User), Value: h.Why})
	}
	p := w.NewPage(q, "Delivery through "+v.Plugin.Name, "deliveries")
	p.Events = "types=delivery"
	p.Body = v
	w.Render(q.Writer, http.StatusOK, "delivery", p)
	return nil
}

func (w *Pages) retryDelivery(q *frame.Request) error {
	id := q.ID()
	if _, err := w.Engine.Incidents.RetryDelivery(q.Context(), q.By(), id); err != nil {
		return err
	}
	return q.Redirect("/deliveries/" + id + "?done=retried")
}
