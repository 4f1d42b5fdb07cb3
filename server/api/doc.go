// Package api is the resources of the REST API: for each a file with its routes,
// what clients write and read of it, and handlers over the engine.
//
// Routes lists them in the order of the OpenAPI document. Each resource is a small
// struct of what it needs, mostly the engine alone; a handler takes a *rest.Call
// and returns a rest.Answer or an error. Most resources are a rest.Collection with
// revisions. What a caller may not see is left out here, by role, before it
// becomes an answer or an event. Views serves the plugins' own views.
//
// The package knows no header, cookie or limit beyond its resources: package rest
// reads requests and writes answers, package auth knows the callers.
package api
