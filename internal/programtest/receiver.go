package programtest

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// Arrival is a request that came to a receiver.
type Arrival struct {
	At     time.Time
	path   string
	header http.Header
	Body   string
}

// Receiver is a loopback server that keeps what arrives.
type Receiver struct {
	*httptest.Server
	mu      sync.Mutex // guards what follows
	arrived []Arrival
	answer  func(w http.ResponseWriter, r *http.Request)
}

// NewReceiver returns a receiver that answers 200 until answering says otherwise.
func NewReceiver(t testing.TB) *Receiver { return NewReceiverOn(t, nil) }

// NewReceiverOn is NewReceiver on a listener; nil is one of a free port.
func NewReceiverOn(t testing.TB, l net.Listener) *Receiver {
	r := &Receiver{}
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		r.arrived = append(r.arrived, Arrival{time.Now(), req.URL.Path, req.Header.Clone(), string(body)})
		answer := r.answer
		r.mu.Unlock()
		if answer != nil {
			answer(w, req)
			return
		}
		fmt.Fprintln(w, "ok")
	}))
	if l != nil {
		r.Listener.Close()
		r.Listener = l
	}
	r.Start()
	t.Cleanup(func() {
		r.CloseClientConnections()
		r.Close()
	})
	return r
}

// Answering changes what the receiver answers; nil is 200.
func (r *Receiver) Answering(fn func(w http.ResponseWriter, req *http.Request)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = fn
}

// Status answers with one code.
func (r *Receiver) Status(code int) {
	r.Answering(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
}

// At are the Arrivals on a path.
func (r *Receiver) At(path string) []Arrival {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []Arrival
	for _, a := range r.arrived {
		if a.path == path {
			out = append(out, a)
		}
	}
	return out
}
