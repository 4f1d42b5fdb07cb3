package api

import (
	"moonwatch/engine/access"
	"moonwatch/engine/alert"
	"moonwatch/server/rest"
)

func (s *incidents) whyRoutes(known rest.Shapes) []*rest.Route {
	text := rest.Scalar(rest.TextShape)
	return []*rest.Route{{Method: "GET", Path: "/incidents/{id}/why", Role: access.Viewer, Tag: "incidents", Summary: "Why was I (not) paged?",
		Note: "For each event of the incident: whether it was told, and the recorded steps that decided it. With user, whether it was told to them; " +
			"answer is told, waiting, held, skipped, superseded, dead, not_asked or nobody.",
		Params: []rest.Param{rest.NewParam("user", text, "whether this user (an id) was told"), rest.NewParam("plugin", text, "only through this alert plugin"),
			rest.NewParam("event", text, "only this event of the incident")},
		Output: rest.ShapeOf[alert.Why](known), List: true, Handle: func(c *rest.Call) (rest.Answer, error) {
			list, err := s.engine.Incidents.Why(c.Request.Context(), c.ID(), alert.WhyQuery{
				User:     c.Query.Get("user"),
				Plugin:   c.Query.Get("plugin"),
				Event:    c.Query.Get("event"),
				Discreet: !c.Who.IsAdmin(),
				Viewer:   c.Who.User,
			})
			return rest.Answer{Body: rest.PageView[alert.Why]{Items: list}}, err
		}}}
}
