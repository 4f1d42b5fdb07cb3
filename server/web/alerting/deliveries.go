package alerting

import (
	"net/http"

	"moonwatch/engine"
	"moonwatch/engine/alert"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/lookup"
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

func (w *Pages) deliveries(q *frame.Request) error {
	query := q.URL.Query()
	l := deliveryList{State: query.Get("state"), Newest: query.Get("before") != ""}
	for _, s := range []engine.DeliveryState{engine.DeliveryPending, engine.DeliveryFailed, engine.DeliveryDead, engine.DeliverySent, engine.DeliverySkipped, engine.DeliverySuperseded} {
		l.States = append(l.States, webform.Option{Value: string(s), Label: frame.DeliveryShape(s).Word, Selected: string(s) == l.State})
	}
	items, err := w.DeliveriesSeen(q, alert.DeliveryQuery{
		State:  engine.DeliveryState(l.State),
		Before: query.Get("before"),
		Limit:  frame.MaxListed + 1,
	})
	if err != nil {
		return err
	}
	l.Items = items
	if len(items) > frame.MaxListed {
		l.Items = items[:frame.MaxListed]
		l.Older = frame.OlderLink(query, l.Items[frame.MaxListed-1].ID)
	}
	p := w.NewPage(q, "Deliveries", "deliveries")
	p.Events = "types=delivery"
	p.Body = l
	w.Render(q.Writer, http.StatusOK, "deliveries", p)
	return nil
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
	v := deliveryPage{
		Delivery: d,
		Plugin:   w.Card(d.Plugin),
		Kind:     frame.KindWord(d.Kind, d.Step),
		Users:    w.Names(d.Users),
		Officers: w.Names(d.DutyOfficers),
		Reached:  w.Names(d.Reached),
	}
	v.Retriable = (d.State == engine.DeliveryFailed || d.State == engine.DeliveryDead) && !d.UnderWay()
	for _, h := range d.Deferred {
		v.Deferred = append(v.Deferred, lookup.Setting{Label: w.NameOfUser(h.User), Value: h.Why})
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
