package rest

import (
	"bytes"
	"net/http"
)

// Plain answers with one line of text.
func Plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	w.Write(bytes.TrimRight([]byte(text), "\n"))
	w.Write([]byte("\n"))
}

// Reading refuses all methods but GET and HEAD.
func Reading(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	w.Header().Set("Allow", "GET, HEAD")
	Plain(w, http.StatusMethodNotAllowed, "method not allowed")
	return false
}
