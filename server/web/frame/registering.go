package frame

import (
	"net/http"
)

// Registering adds what serves a path.
type Registering func(path string, h http.HandlerFunc)
