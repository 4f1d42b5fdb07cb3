// Package web is the pages: everything that the engine does, seen and set by
// people in a browser. Pages are rendered on the server and work without
// scripts; a small module lets them follow what happens.
//
// Each area has a package (checks, subjects, people, rotas, alerting, records,
// pluginedit) with a type Pages over a lookup of what several of them show; its
// Routes add its pages, and each page is a handler that reads the engine, fills a
// struct and has the template of that name drawn. Here they are put together,
// beside the dashboard, the settings of the site, and the pages before login.
// What surrounds a page comes from package frame, forms from webform and ownform,
// charts from drawing.
//
// The package knows no cookies and no limits on logins: both are behind
// frame.Sessions.
package web

import (
	"moonwatch/server/web/frame"
	"moonwatch/server/web/pluginedit"
)

// Web serves the pages. It is safe for concurrent use.
type Web struct {
	*frame.Frame
	plugins *pluginedit.Pages
}

// New builds the pages.
func New(o frame.Options) (*Web, error) {
	f, err := frame.New(o)
	if err != nil {
		return nil, err
	}
	plugins, err := pluginedit.New(f)
	if err != nil {
		return nil, err
	}
	return &Web{f, plugins}, nil
}
