package alerting

import (
	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/lookup"
)

// Pages are the pages of incidents, deliveries and silences.
type Pages struct{ *lookup.Lookup }

// New returns the pages.
func New(find *lookup.Lookup) *Pages { return &Pages{find} }

// Routes adds the pages, each with the role that it needs.
func (w *Pages) Routes(get, post frame.Registering) {
	get("/incidents", w.Need(access.Viewer, w.incidents))
	get("/incidents/{id}", w.Need(access.Viewer, w.incident))
	get("/incidents/{id}/why", w.Need(access.Viewer, w.why))
	post("/incidents/{id}/notes", w.Need(access.Operator, w.addNote))
	get("/deliveries", w.Need(access.Viewer, w.deliveries))
	get("/deliveries/{id}", w.Need(access.Viewer, w.delivery))
	post("/deliveries/{id}/retry", w.Need(access.Operator, w.retryDelivery))
	for _, kind := range []engine.Kind{engine.KindService, engine.KindInstance} {
		base := "/" + string(kind) + "s"
		post(base+"/{id}/acknowledge", w.Need(access.Operator, w.acknowledge(kind)))
		post(base+"/{id}/unacknowledge", w.Need(access.Operator, w.unacknowledge(kind)))
		post(base+"/{id}/test-alert", w.Need(access.Operator, w.testAlert(kind)))
	}
	get("/silences", w.Need(access.Viewer, w.silences))
	get("/silences/new", w.Need(access.Operator, w.newSilenceForm))
	post("/silences/new", w.Need(access.Operator, w.saveNewSilence))
	post("/silences/quick", w.Need(access.Operator, w.quickSilence))
	get("/silences/{id}", w.Need(access.Viewer, w.silencePage))
	get("/silences/{id}/edit", w.Need(access.Operator, w.silenceEditForm))
	post("/silences/{id}/edit", w.Need(access.Operator, w.saveOldSilence))
	post("/silences/{id}/end", w.Need(access.Operator, w.endSilence))
	get("/silences/{id}/delete", w.Need(access.Operator, w.deleteSilencePage))
	post("/silences/{id}/delete", w.Need(access.Operator, w.deleteSilence))
}
