package lookup

import (
	"slices"

	"moonwatch/engine"
	"moonwatch/engine/edit"
	"moonwatch/server/web/frame"
)

// OwnTroubles are what the built-in service fails for beside the checks linked
// to it: checks that have been unknown for so long that it counts, and rotas
// with problems. A check that failed before it became unknown is among them too.
func (w *Lookup) OwnTroubles(troubled []edit.CheckView, linked []string) []frame.CheckLine {
	var out []frame.CheckLine
	for i := range troubled {
		c := &troubled[i]
		if c.Status == engine.CheckUnknown && c.Severity != "" && !slices.Contains(linked, c.ID) {
			out = append(out, frame.LineOf(c))
		}
	}
	for _, r := range w.Engine.OnCall.Rotas() {
		if len(r.Problems) > 0 {
			out = append(out, frame.CheckLine{
				ID:     r.ID,
				Name:   "Rota " + r.Name,
				Page:   "/rotas/" + r.ID,
				Status: frame.Standing(engine.StatusWarning),
				Error:  r.Problems[0].Message,
				Active: true,
			})
		}
	}
	for _, entry := range w.Engine.Plugins.Plugins() {
		if c := w.Engine.Incidents.Channel(entry.Slug); c.Unsent != nil {
			out = append(out, frame.CheckLine{
				ID:     entry.Slug,
				Name:   "Alerts through " + frame.CardOf(entry.Slug, entry, true).Name,
				Page:   "/plugins/" + entry.Slug,
				Status: frame.Standing(engine.StatusWarning),
				Error:  c.Unsent.Why,
				Active: true,
			})
		}
	}
	return out
}
