package server

import (
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"
)

// recorder notes what was answered. It lets http.ResponseController through to
// the writer below.
type recorder struct {
	http.ResponseWriter
	status int
	route  string // pattern of the path, never the path itself
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// nameRoute tells the recorder which route answers.
func nameRoute(w http.ResponseWriter, route string) {
	if rec, ok := w.(*recorder); ok {
		rec.route = route
	}
}

// observed sets the headers that all answers bear, turns panics into problems,
// and logs and counts requests: by pattern, never with a body, query or token.
func (s *Server) observed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		rec := &recorder{ResponseWriter: w, route: "other"}
		secureHeaders(w.Header())
		defer func() {
			if v := recover(); v != nil {
				if v == http.ErrAbortHandler {
					panic(v)
				}
				s.log.Error("a handler panicked", "method", r.Method, "route", rec.route, "panic", v, "stack", string(debug.Stack()))
				if rec.status == 0 {
					writeProblem(rec, refuse(http.StatusInternalServerError, "the server failed; its log says why"))
				}
			}
			took := time.Since(start)
			s.metrics.request(r.Method, rec.route, rec.status, took)
			s.log.Log(r.Context(), levelOf(r.Method, rec.status), "request", "method", r.Method, "route", rec.route, "status", rec.status,
				"took", took.Round(time.Microsecond))
		}()
		next.ServeHTTP(rec, r)
	})
}

// levelOf keeps polling out of the log unless someone looks for it.
func levelOf(method string, status int) slog.Level {
	if status >= 500 {
		return slog.LevelWarn
	}
	if status < 400 && (method == http.MethodGet || method == http.MethodHead) {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// secureHeaders are for answers that are no pages; pages set their own policy.
func secureHeaders(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
}
