package web

import (
	"net/http"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/alert"
	"moonwatch/server/web/webform"
)

// deliveryList is the page of all deliveries.
type deliveryList struct {
	Items  []engine.Delivery
	States []webform.Option
	State  string
	Older  string
	Newest bool
}

func (w *incidentPages) deliveries(q *request) error {
	query := q.URL.Query()
	l := deliveryList{State: query.Get("state"), Newest: query.Get("before") != ""}
	for _, s := range []engine.DeliveryState{engine.DeliveryPending, engine.DeliveryFailed, engine.DeliveryDead, engine.DeliverySent, engine.DeliverySkipped, engine.DeliverySuperseded} {
		l.States = append(l.States, webform.Option{Value: string(s), Label: deliveryShape(s).word, Selected: string(s) == l.State})
	}
	items, err := w.deliveriesSeen(q, alert.DeliveryQuery{State: engine.DeliveryState(l.State), Before: query.Get("before"), Limit: listMost + 1})
	if err != nil {
		return err
	}
	l.Items = items
	if len(items) > listMost {
		l.Items = items[:listMost]
		l.Older = olderLink(query, l.Items[listMost-1].ID)
	}
	p := w.newPage(q, "Deliveries", "deliveries")
	p.Events = "types=delivery"
	p.Body = l
	w.render(q.rw, http.StatusOK, "deliveries", p)
	return nil
}

// deliveryPage is the page of one delivery.
type deliveryPage struct {
	Delivery  engine.Delivery
	Plugin    pluginCard
	Kind      string
	Users     []string
	Officers  []string
	Reached   []string
	Held      []setting
	Retriable bool
}

func (w *incidentPages) delivery(q *request) error {
	d, err := w.engine.Incidents.Delivery(q.Context(), q.id())
	if err != nil {
		return err
	}
	d = w.seen(q, d)
	v := deliveryPage{Delivery: d, Plugin: w.card(d.Plugin), Kind: kindWord(d.Kind, d.Step), Users: w.names(d.Users), Officers: w.names(d.DutyOfficers), Reached: w.names(d.Reached)}
	v.Retriable = (d.State == engine.DeliveryFailed || d.State == engine.DeliveryDead) && !d.UnderWay()
	for _, h := range d.Held {
		v.Held = append(v.Held, setting{Label: w.nameOfUser(h.User), Value: h.Why})
	}
	p := w.newPage(q, "Delivery through "+v.Plugin.Name, "deliveries")
	p.Events = "types=delivery"
	p.Body = v
	w.render(q.rw, http.StatusOK, "delivery", p)
	return nil
}

// seen is a delivery as the caller sees it.
func (w *lookup) seen(q *request, d engine.Delivery) engine.Delivery {
	if q.user.Role.Can(access.Admin) {
		return d
	}
	return w.engine.Incidents.Discreet(d, q.user.ID)
}

// deliveriesSeen are deliveries as the caller sees them, the newest first.
func (w *lookup) deliveriesSeen(q *request, by alert.DeliveryQuery) ([]engine.Delivery, error) {
	out, err := w.engine.Incidents.Deliveries(q.Context(), by)
	for i := range out {
		out[i] = w.seen(q, out[i])
	}
	return out, err
}

func (w *lookup) names(ids []string) []string {
	var out []string
	for _, id := range ids {
		out = append(out, w.nameOfUser(id))
	}
	return out
}

func (w *incidentPages) retryDelivery(q *request) error {
	id := q.id()
	if _, err := w.engine.Incidents.RetryDelivery(q.Context(), q.by(), id); err != nil {
		return err
	}
	return q.redirect("/deliveries/" + id + "?done=retried")
}
