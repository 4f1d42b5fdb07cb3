package server

import (
	"maps"

	"moonwatch/engine"
	"moonwatch/engine/access"
)

// settings are the routes of the site's settings.
type settings struct {
	engine *engine.Engine
}

func (s *settings) routes(known shapes) []*route {
	view := shapeOf[engine.Settings](known)
	return []*route{
		{method: "GET", path: "/settings", role: access.Admin, tag: "settings", summary: "Read the site's settings", output: view, tagged: true,
			handle: s.showSettings},
		{method: "PUT", path: "/settings", role: access.Admin, tag: "settings", summary: "Change the site's settings",
			note: "Settings that the body leaves out stay.", input: view, ignored: readOnly(view, view), output: view, tagged: true,
			handle: s.putSettings},
	}
}

func (s *settings) showSettings(c *call) (answer, error) {
	v := s.engine.Settings()
	emptyLists(&v)
	return answer{body: v, etag: &v.Revision}, nil
}

func (s *settings) putSettings(c *call) (answer, error) {
	var err error
	for range patchTries {
		v := s.engine.Settings()
		v.RepeatInterval = maps.Clone(v.RepeatInterval)
		match, wrong := c.ifMatch(v.Revision)
		if wrong != nil {
			return answer{}, wrong
		}
		if err := c.decode(&v); err != nil {
			return answer{}, c.alsoWrong(err, func(c *call) error { _, err := s.engine.SaveSettings(c.r.Context(), c.actor(), v); return err })
		}
		if _, err = s.engine.SaveSettings(c.r.Context(), c.actor(), v); err == nil {
			return s.showSettings(c)
		}
		if engine.KindOf(err) != engine.Stale || match != nil {
			return answer{}, err
		}
	}
	return answer{}, err
}
