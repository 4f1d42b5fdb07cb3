package api

import (
	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/monitor"
	"moonwatch/engine/state"
	"moonwatch/server/rest"
)

// audit is the route of who changed what.
type audit struct {
	engine *monitor.Monitor
}

func (s *audit) routes(known rest.Shapes) []*rest.Route {
	view := rest.ShapeOf[engine.AuditEntry](known)
	spec := rest.ListSpec{Item: view, Order: "-at", Fixed: true}
	return []*rest.Route{{Method: "GET", Path: "/audit", Role: access.Admin, Tag: "audit", Summary: "List who changed what, the newest first",
		Output: view, List: true, Params: spec.Params(), Handle: func(c *rest.Call) (rest.Answer, error) {
			l, err := spec.Parse(c)
			if err != nil {
				return rest.Answer{}, err
			}
			q := engine.Query{After: l.AfterID(), Reverse: l.Down}
			if kinds, objects := c.Query["kind"], c.Query["object"]; len(kinds) == 1 && len(objects) == 1 {
				q.Term = kinds[0] + ":" + objects[0]
			}
			g := rest.Gather[engine.AuditEntry](l)
			for a, err := range state.ScanAudit(c.Request.Context(), s.engine.Store, q) {
				if err != nil {
					return rest.Answer{}, err
				}
				rest.EmptyLists(a)
				if !g.Take(a.ID, *a) {
					break
				}
			}
			return rest.Answer{Body: g.Page()}, nil
		}}}
}
