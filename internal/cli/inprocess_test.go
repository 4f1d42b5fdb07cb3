package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
)

// TestInProcessStreams: what a handler writes reaches the client while the
// handler still writes, so that an answer of any size takes no memory.
func TestInProcessStreams(t *testing.T) {
	t.Parallel()
	read, ended := make(chan struct{}), errors.New("ended")
	c := clientOf(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("one"))
		http.NewResponseController(w).Flush()
		<-read // buffered, it would never be
		w.Write(bytes.Repeat([]byte("x"), 1<<20))
	}), func() error { return ended })
	answer, err := c.open(t.Context(), http.MethodGet, "/backup", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 3)
	if _, err := io.ReadFull(answer.Body, first); err != nil || string(first) != "one" {
		t.Errorf("%q, %v", first, err)
	}
	close(read)
	if rest, err := io.ReadAll(answer.Body); err != nil || len(rest) != 1<<20 {
		t.Errorf("%d bytes, %v", len(rest), err)
	}
	answer.Body.Close()
	status, _, err := c.ask(t.Context(), http.MethodPost, "/import", bytes.NewReader(make([]byte, 1<<20)), nil)
	if err != nil || status != http.StatusOK {
		t.Errorf("a body that the handler does not read: %d, %v", status, err)
	}
	if err := c.close(); !errors.Is(err, ended) {
		t.Errorf("close: %v", err)
	}
	if _, _, err := c.ask(context.Background(), http.MethodGet, "/", nil, nil); err == nil {
		t.Error("a closed client answers")
	}
}
