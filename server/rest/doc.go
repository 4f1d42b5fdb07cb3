// Package rest is the small framework under the REST API: it turns a table of
// routes into what is served. Package openapi below it describes the same table.
//
// A Route is method, path, role, the Shapes of input and output, and a handler.
// For each request a Router finds out the caller (through an Authenticator),
// checks role, query and body against the route, hands the handler a Call and
// writes its Answer, or the Problem that an error becomes. The same shapes
// decode requests and make the document, so that the two cannot drift apart.
// ListSpec and Page serve lists, Collection a kind of object with its five
// routes.
//
// What guards the server as a whole is here, too: bounds on connections, bodies,
// streams and the time of slow clients, and the log and count of each request.
//
// The package uses the engine's vocabulary (actors, errors, durations, forms). It
// knows no resource, no session and no page: those are for packages api, auth,
// public and web.
package rest
