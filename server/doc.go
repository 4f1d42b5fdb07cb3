// Package server is the monitor's face over HTTP. It puts together the REST API
// (rest, auth, api), what the public sees (public) and the pages (web), all over
// one engine, and leads each path to one of them.
package server
