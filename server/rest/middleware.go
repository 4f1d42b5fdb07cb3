package rest

import (
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"
)

// recorder notes what was answered, and bounds how long a client may take to
// read it. It lets http.ResponseController through to the writer below.
type recorder struct {
	http.ResponseWriter
	out      *http.ResponseController
	conn     *connection // nil: not bounded
	patience Patience
	status   int
	route    string // pattern of the path, never the path itself

	paced   bool // the handler sets the deadlines of its writes itself
	written int
	waited  time.Duration // for the client to take what was written
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
	w.written += len(b)
	w.hurry()
	w.conn.wait()
	start := time.Now()
	n, err := w.ResponseWriter.Write(b)
	w.waited += time.Since(start)
	w.conn.work()
	return n, err
}

// hurry sets the time by which what was written until now must be taken.
func (w *recorder) hurry() {
	if !w.paced {
		allowed := w.patience.Answer + time.Duration(w.written/w.patience.Rate)*time.Second
		w.out.SetWriteDeadline(time.Now().Add(allowed - w.waited)) // not every connection has deadlines
	}
}

func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// NameRoute tells the recorder which route answers.
func NameRoute(w http.ResponseWriter, route string) {
	if rec, ok := w.(*recorder); ok {
		rec.route = route
	}
}

// PacesItself tells the recorder that the handler bounds its writes.
func PacesItself(w http.ResponseWriter) {
	if rec, ok := w.(*recorder); ok {
		rec.paced = true
	}
}

// timedBody is a body that a client may take so long to send. When it did
// not, the connection ends with the answer: the deadline stays for whatever is
// read of it besides.
type timedBody struct {
	io.ReadCloser
	w *recorder
}

func (b timedBody) Read(p []byte) (int, error) {
	b.w.conn.wait()
	n, err := b.ReadCloser.Read(p)
	b.w.conn.work()
	if err == io.EOF {
		b.w.out.SetReadDeadline(time.Time{}) // the handler may take longer, and hears when the client goes
	} else if err != nil {
		b.w.Header().Set("Connection", "close")
	}
	return n, err
}

// timed bounds how long the body of a request may take to come.
func timed(w *recorder, r *http.Request) *http.Request {
	if r.Body == nil || r.Body == http.NoBody {
		w.out.SetReadDeadline(time.Time{})
		return r
	}
	w.out.SetReadDeadline(time.Now().Add(w.patience.Request))
	r = r.WithContext(r.Context()) // a copy: the caller's request keeps its body
	r.Body = timedBody{r.Body, w}
	return r
}

// Observed sets the headers that all answers bear, bounds the time that clients
// take, turns panics into problems, and logs and counts requests: by pattern,
// never with a body, query or token.
func (s *Router) Observed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		rec := &recorder{ResponseWriter: w, out: http.NewResponseController(w), conn: connectionOf(r), patience: s.o.Patience, route: "other"}
		if rec.conn != nil {
			rec.conn.mark()
			rec.conn.work()
			defer func() { rec.conn.mark(); rec.conn.wait() }()
		}
		secureHeaders(w.Header())
		if s.auth.Remote(r).TLS {
			w.Header().Set("Strict-Transport-Security", transportSecurity)
		}
		defer func() {
			if v := recover(); v != nil {
				if v == http.ErrAbortHandler {
					panic(v)
				}
				s.log.Error("a handler panicked", "method", r.Method, "route", rec.route, "panic", v, "stack", string(debug.Stack()))
				if rec.status == 0 {
					WriteProblem(rec, Refuse(http.StatusInternalServerError, "the server failed; its log says why"))
				}
			}
			rec.hurry() // for what is still to be flushed
			took := time.Since(start)
			s.o.Count(r.Method, rec.route, rec.status, took)
			s.log.Log(r.Context(), levelOf(r.Method, rec.status), "request", "method", r.Method, "route", rec.route, "status", rec.status,
				"took", took.Round(time.Microsecond))
		}()
		next.ServeHTTP(rec, timed(rec, r))
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

// transportSecurity has browsers use TLS alone for half a year. It says nothing
// of other names: they are not the monitor's.
const transportSecurity = "max-age=15768000"

// secureHeaders are for answers that are no pages; pages set their own policy.
func secureHeaders(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
}
