package api

import (
	"maps"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/monitor"
	"moonwatch/server/rest"
)

// settings are the routes of the site's settings.
type settings struct {
	engine *monitor.Monitor
}

func (s *settings) routes(known rest.Shapes) []*rest.Route {
	view := rest.ShapeOf[engine.Settings](known)
	return []*rest.Route{
		{Method: "GET", Path: "/settings", Role: access.Admin, Tag: "settings", Summary: "Read the site's settings", Output: view, Tagged: true,
			Handle: s.showSettings},
		{Method: "PUT", Path: "/settings", Role: access.Admin, Tag: "settings", Summary: "Change the site's settings",
			Note: "Settings that the body leaves out stay.", Input: view, Ignored: rest.ReadOnly(view, view), Output: view, Tagged: true,
			Handle: s.putSettings},
	}
}

func (s *settings) showSettings(c *rest.Call) (rest.Answer, error) {
	v := s.engine.Settings()
	rest.EmptyLists(&v)
	return rest.Answer{Body: v, ETag: &v.Revision}, nil
}

func (s *settings) putSettings(c *rest.Call) (rest.Answer, error) {
	var err error
	for range rest.PatchTries {
		v := s.engine.Settings()
		v.RepeatInterval = maps.Clone(v.RepeatInterval)
		match, wrong := c.IfMatch(v.Revision)
		if wrong != nil {
			return rest.Answer{}, wrong
		}
		if err := c.Decode(&v); err != nil {
			return rest.Answer{}, rest.AlsoWrong(err, s.engine.Site.ValidateSettings(c.Request.Context(), c.Actor(), v))
		}
		if _, err = s.engine.Site.SaveSettings(c.Request.Context(), c.Actor(), v); err == nil {
			return s.showSettings(c)
		}
		if engine.KindOf(err) != engine.Stale || match != nil {
			return rest.Answer{}, err
		}
	}
	return rest.Answer{}, err
}
