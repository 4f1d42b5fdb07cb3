package host

import (
	"os"
	"testing"
	"time"
)

// needPing skips a test when err says that the system permits no ping: as root,
// and so in the gate, it does.
func needPing(t *testing.T, err error) {
	t.Helper()
	if KindOf(err) != Denied {
		return
	}
	if os.Getenv("MOONWATCH_SERVER_TESTS") == "required" {
		t.Fatalf("the system permits no ping: %v", err)
	}
	t.Skip("the system permits no ping")
}

func TestPing(t *testing.T) {
	n := newNet(t, func(o *Options) { o.Resolve = resolveTo("127.0.0.1") })
	got, err := n.Ping(within(t, 5*time.Second), &PingRequest{Host: "loop.test", Count: 3, Interval: 10 * time.Millisecond})
	needPing(t, err)
	if err != nil {
		t.Fatal(err)
	}
	if got.Sent != 3 || got.Received != 3 || got.Loss != 0 || got.Min <= 0 || got.Avg < got.Min || got.Max < got.Avg {
		t.Errorf("got %+v", got)
	}
}

func TestPingEndsWithItsContext(t *testing.T) {
	n := newNet(t, nil)
	started := time.Now()
	got, err := n.Ping(within(t, 250*time.Millisecond), &PingRequest{Host: "127.0.0.1", Count: 100, Interval: 100 * time.Millisecond})
	needPing(t, err)
	if err != nil || got.Sent < 2 || got.Sent > 4 {
		t.Errorf("got %+v, %v", got, err)
	}
	if took := time.Since(started); took > time.Second {
		t.Errorf("took %v", took)
	}
}

func TestPingErrors(t *testing.T) {
	n := newNet(t, nil)
	for name, tt := range map[string]struct {
		req  PingRequest
		kind Kind
		text string
	}{
		"count":    {PingRequest{Host: "127.0.0.1", Count: 101}, Invalid, "count"},
		"negative": {PingRequest{Host: "127.0.0.1", Count: -1}, Invalid, "count"},
		"interval": {PingRequest{Host: "127.0.0.1", Interval: time.Millisecond}, Invalid, "interval"},
		"size":     {PingRequest{Host: "127.0.0.1", Size: 10}, Invalid, "size"},
		"timeout":  {PingRequest{Host: "127.0.0.1", Timeout: -1}, Invalid, "timeout"},
		"metadata": {PingRequest{Host: "169.254.169.254"}, Denied, "may not be reached"},
		"no host":  {PingRequest{}, Invalid, "not a host"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := n.Ping(within(t, time.Second), &tt.req)
			wantError(t, err, tt.kind, tt.text)
		})
	}
}

func TestTally(t *testing.T) {
	var q tally
	if got := *q.answer(); got != (PingAnswer{}) {
		t.Errorf("nothing sent: %+v", got)
	}
	q.sent.Store(4)
	for _, took := range []time.Duration{20, 10, 30, 2000} {
		q.receive(took*time.Millisecond, time.Second)
	}
	want := PingAnswer{Sent: 4, Received: 3, Loss: 25, Min: 10 * time.Millisecond, Avg: 20 * time.Millisecond, Max: 30 * time.Millisecond}
	if got := *q.answer(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
