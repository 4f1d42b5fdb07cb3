package web

import (
	"log/slog"
	"os"
	"time"
)

// Web serves the pages. It is safe for concurrent use.
type Web struct {
	*frame
	plugins *pluginPages
}

// New parses the templates and assets of the pages.
func New(o Options) (*Web, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Env == nil {
		o.Env = os.LookupEnv
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	f := &frame{o: o, engine: o.Engine, log: o.Logger}
	var err error
	if f.assets, err = loadAssets(); err != nil {
		return nil, err
	}
	if f.pages, err = loadTemplates(f.assets); err != nil {
		return nil, err
	}
	plugins, err := newPluginPages(f)
	if err != nil {
		return nil, err
	}
	return &Web{f, plugins}, nil
}
