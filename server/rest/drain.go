package rest

import (
	"io"
	"net/http"
	"time"
)

// What is read of a body that is refused for its length: most clients send it
// whole before they look at the answer, and one that is cut off sees a reset
// connection in place of the 413.
const (
	maxDrained  = 32 << 20 // bytes
	swallowTime = 5 * time.Second
)

// Drain reads the rest of a body that was refused and keeps nothing of it. It
// blocks for swallowTime at most. A client that waits to be told to send, and a
// body that says it is longer than maxDrained, are not read at all.
func Drain(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Expect") != "" || r.ContentLength > maxDrained {
		return
	}
	out := http.NewResponseController(w)
	out.SetReadDeadline(time.Now().Add(swallowTime)) // not every connection has deadlines
	io.CopyN(io.Discard, r.Body, maxDrained)
}
