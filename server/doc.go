// Package server is the monitor's face: the REST API, sessions for browsers,
// live events, metrics and health, all over one engine.
//
// Every API endpoint is a route (routes.go): method, path, role, input and
// output types and a handler. The same table is served, tested and turned into
// the OpenAPI document, and the same shapes (shape.go) decode requests and
// describe them, so that the document cannot drift from what is served.
package server
