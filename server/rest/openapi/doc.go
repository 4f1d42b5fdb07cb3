// Package openapi writes the OpenAPI document of the API from the table of its
// routes, and serves it as a route among them.
//
// The shapes by which requests are decoded become the schemas, an object under
// its name once; role, parameters, media types and refusals follow from each
// route. Nothing of the document is written by hand but the words that routes
// bring along.
package openapi
