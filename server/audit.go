package server

import (
	"moonwatch/engine"
	"moonwatch/engine/access"
)

// audit is the route of who changed what.
type audit struct {
	engine *engine.Engine
}

func (s *audit) routes(known shapes) []*route {
	view := shapeOf[engine.AuditEntry](known)
	spec := listSpec{item: view, order: "-at", fixed: true}
	return []*route{{method: "GET", path: "/audit", role: access.Admin, tag: "audit", summary: "List who changed what, the newest first",
		output: view, list: true, params: spec.params(), handle: func(c *call) (answer, error) {
			l, err := spec.parse(c)
			if err != nil {
				return answer{}, err
			}
			q := engine.Query{After: l.afterID(), Reverse: l.down}
			if kinds, objects := c.query["kind"], c.query["object"]; len(kinds) == 1 && len(objects) == 1 {
				q.Term = kinds[0] + ":" + objects[0]
			}
			g := gather[engine.AuditEntry](l)
			err = s.engine.ScanAudit(c.r.Context(), q, func(a engine.AuditEntry) bool {
				emptyLists(&a)
				return g.take(a.ID, a)
			})
			return answer{body: g.page()}, err
		}}}
}
