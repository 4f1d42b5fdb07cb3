package web

import (
	"net/http"
)

// registering adds what serves a path.
type registering func(path string, h http.HandlerFunc)
