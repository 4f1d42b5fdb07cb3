package server

import (
	"moonwatch/engine"
	"moonwatch/engine/access"
)

func (s *incidents) whyRoutes(known shapes) []*route {
	text := scalar(textShape)
	return []*route{{method: "GET", path: "/incidents/{id}/why", role: access.Viewer, tag: "incidents", summary: "Why was I (not) paged?",
		note: "For each event of the incident: whether it was told, and the recorded steps that decided it. With user, whether it was told to them; " +
			"answer is told, waiting, held, skipped, superseded, dead, not_asked or nobody.",
		params: []param{{"user", text, "whether this user (an id) was told"}, {"plugin", text, "only through this alert plugin"},
			{"event", text, "only this event of the incident"}},
		output: shapeOf[engine.Why](known), list: true, handle: func(c *call) (answer, error) {
			list, err := s.engine.Why(c.r.Context(), c.id(), engine.WhyQuery{User: c.query.Get("user"), Plugin: c.query.Get("plugin"), Event: c.query.Get("event"),
				Discreet: !c.who.isAdmin(), Viewer: c.who.User})
			return answer{body: pageView[engine.Why]{Items: list}}, err
		}}}
}
