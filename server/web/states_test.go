package web

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/alert"
)

// TestDeadDelivery holds that a dead delivery is shown with its reason and a
// button to retry, and that the button works; and that one which left from
// memory says so.
func TestDeadDelivery(t *testing.T) {
	h := furnished(t)
	delivery := func(id string) engine.Delivery {
		t.Helper()
		d, err := h.engine.Incidents.Delivery(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	var dead engine.Delivery
	h.until("a delivery to be dead", func() bool {
		list, err := h.engine.Incidents.Deliveries(t.Context(), alert.DeliveryQuery{State: engine.DeliveryDead})
		if err != nil || len(list) == 0 {
			return false
		}
		dead = list[0]
		return true
	})
	const button = "Try again now"
	page := "/deliveries/" + dead.ID
	h.get(access.Viewer, "/deliveries?state=dead").want(t, http.StatusOK, page)
	h.get(access.Viewer, page).want(t, http.StatusOK, "Given up", "nobody answers").without(t, button, "Sent from memory")
	h.get(access.Operator, page).want(t, http.StatusOK, button)
	h.post(access.Operator, page+"/retry").want(t, http.StatusSeeOther)
	h.until("it to be tried again", func() bool {
		d := delivery(dead.ID)
		return d.State == engine.DeliveryDead && len(d.Attempts) == len(dead.Attempts)+1
	})

	sent := delivery(dead.ID)
	sent.ID, sent.State, sent.Durable = dead.ID[:len(dead.ID)-1]+"!", engine.DeliverySent, false
	data, err := json.Marshal(&sent)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.store.Apply(t.Context(), &engine.Batch{ID: "sent", Puts: []engine.Record{{Kind: engine.KindDelivery, ID: sent.ID, At: time.Now(), Data: data}}}); err != nil {
		t.Fatal(err)
	}
	h.get(access.Operator, "/deliveries/"+sent.ID).want(t, http.StatusOK, "Sent from memory while the disk refused writes.").without(t, button)
}

// TestFiguresOfTheDashboard holds that runs under way, lag and skipped slots are shown.
func TestFiguresOfTheDashboard(t *testing.T) {
	h := furnished(t)
	h.get(access.Viewer, "/").want(t, http.StatusOK, "0 runs under way · latest lag ", "0 slots skipped since ").without(t, "from memory")
}
