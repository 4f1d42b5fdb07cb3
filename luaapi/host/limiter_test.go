package host

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// TestWaiting counts the requests that wait for a connection of their host.
func TestWaiting(t *testing.T) {
	hold := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hold }))
	defer slow.Close()
	options := DefaultOptions()
	options.PerHost = 2
	n, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	var all sync.WaitGroup
	for range 5 {
		all.Add(1)
		go func() {
			defer all.Done()
			if _, err := n.HTTP(context.Background(), &HTTPRequest{URL: slow.URL}); err != nil {
				t.Error(err)
			}
		}()
	}
	for deadline := time.Now().Add(5 * time.Second); n.Waiting() != 3; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d requests wait, want 3 of 5", n.Waiting())
		}
	}
	close(hold)
	all.Wait()
	if n.Waiting() != 0 || len(n.limit.hosts) != 0 {
		t.Errorf("%d wait in the end, %v are under way", n.Waiting(), n.limit.hosts)
	}
}
