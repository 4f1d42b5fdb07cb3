package host

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestDialErrors(t *testing.T) {
	refused := closedPort(t)
	n := newNet(t, nil)
	tests := []struct {
		name string
		req  DialRequest
		kind Kind
		text string
	}{
		{"refused", DialRequest{Host: "127.0.0.1", Port: refused}, Refused, "connection refused by 127.0.0.1:"},
		{"port 0", DialRequest{Host: "127.0.0.1", Port: 0}, Invalid, "port must be from 1 to 65535"},
		{"port too high", DialRequest{Host: "127.0.0.1", Port: 65536}, Invalid, "port must be"},
		{"metadata", DialRequest{Host: "169.254.169.254", Port: 80}, Denied, "may not be reached"},
		{"mapped metadata", DialRequest{Host: "::ffff:169.254.169.254", Port: 80}, Denied, "may not be reached"},
		{"no host", DialRequest{Host: "", Port: 80}, Invalid, "not a host name"},
		{"long host", DialRequest{Host: strings.Repeat("a", 300), Port: 80}, Invalid, "not a host name"},
		{"bad ca", DialRequest{Host: "127.0.0.1", Port: listen(t, hang), TLS: &TLSOptions{CA: "no"}}, Invalid, "ca holds no certificate"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := n.Dial(within(t, 5*time.Second), &tt.req)
			wantError(t, err, tt.kind, tt.text)
		})
	}
}

func TestNamesResolveWithinPolicy(t *testing.T) {
	port := listen(t, hang)
	n := newNet(t, func(o *Options) { o.Resolve = resolveTo("169.254.169.254") })
	_, err := n.Dial(within(t, time.Second), &DialRequest{Host: "metadata.test", Port: port})
	wantError(t, err, Denied, "metadata.test (169.254.169.254) may not be reached")

	n = newNet(t, func(o *Options) { o.Resolve = resolveTo("169.254.169.254", "127.0.0.1") })
	conn, err := n.Dial(within(t, time.Second), &DialRequest{Host: "mixed.test", Port: port})
	if err != nil {
		t.Fatalf("a name with one allowed address: %v", err)
	}
	conn.Close()

	n = newNet(t, func(o *Options) { o.Resolve = resolveTo() })
	_, err = n.Dial(within(t, time.Second), &DialRequest{Host: "empty.test", Port: port})
	wantError(t, err, DNS, "no address for empty.test")

	n = newNet(t, func(o *Options) {
		o.Resolve = func(context.Context, string) ([]netip.Addr, error) {
			return nil, &net.DNSError{Err: "no such host", Name: "gone.test", IsNotFound: true}
		}
	})
	_, err = n.Dial(within(t, time.Second), &DialRequest{Host: "gone.test", Port: port})
	wantError(t, err, DNS, "no such host: gone.test")
}

// The first address hangs for ever in a listener that is full, or is unreachable: the second must win.
func TestDialTriesAllAddresses(t *testing.T) {
	port := listen(t, hang) // on 127.0.0.1 alone
	n := newNet(t, func(o *Options) { o.Resolve = resolveTo("127.0.0.9", "127.0.0.1") })
	conn, err := n.Dial(within(t, 3*time.Second), &DialRequest{Host: "two.test", Port: port})
	if err != nil {
		t.Fatalf("Dial: %v", err)
	}
	conn.Close()
	n = newNet(t, func(o *Options) { o.Resolve = resolveTo("127.0.0.8", "127.0.0.9") })
	_, err = n.Dial(within(t, 3*time.Second), &DialRequest{Host: "none.test", Port: port})
	wantError(t, err, Refused, "connection refused by none.test:")
}

func TestStream(t *testing.T) {
	port := listen(t, func(c net.Conn) {
		io.WriteString(c, "hello\r\n")
		io.Copy(c, io.LimitReader(c, 200_000))
	})
	n := newNet(t, nil)
	ctx := within(t, 5*time.Second)
	conn, err := n.Dial(ctx, &DialRequest{Host: "127.0.0.1", Port: port})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got, err := conn.Receive(ctx, 3); err != nil || got != "hel" {
		t.Errorf("Receive(3) = %q, %v", got, err)
	}
	go conn.Send(ctx, strings.Repeat("x", 200_000))
	total := 0
	for {
		got, err := conn.Receive(ctx, 1<<20)
		total += len(got)
		if err != nil {
			wantError(t, err, Closed, "connection closed by")
			break
		}
	}
	if total != 200_004 {
		t.Errorf("got %d bytes back, want 200004", total)
	}
	if conn.Close() != nil {
		t.Error("first Close failed")
	}
	wantError(t, conn.Send(ctx, "x"), Closed, "connection closed")
}

func TestReceiveEndsAtDeadlineAndGoesOn(t *testing.T) {
	ask := make(chan bool)
	port := listen(t, func(c net.Conn) {
		<-ask
		io.WriteString(c, "late")
		hang(c)
	})
	n := newNet(t, nil)
	conn, err := n.Dial(within(t, time.Second), &DialRequest{Host: "127.0.0.1", Port: port})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	started := time.Now()
	_, err = conn.Receive(within(t, 50*time.Millisecond), 10)
	wantError(t, err, Timeout, "timed out waiting for 127.0.0.1:")
	if took := time.Since(started); took > time.Second {
		t.Errorf("took %v", took)
	}
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(20*time.Millisecond, cancel)
	_, err = conn.Receive(ctx, 10)
	wantError(t, err, Timeout, "timed out")
	close(ask)
	if got, err := conn.Receive(within(t, time.Second), 10); err != nil || got != "late" {
		t.Errorf("after two timeouts: %q, %v", got, err)
	}
}

func TestStreamTLS(t *testing.T) {
	id := valid(t)
	port := listen(t, func(c net.Conn) {
		s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{id.pair}})
		io.WriteString(s, "secret")
		hang(s)
	})
	n := newNet(t, func(o *Options) { o.Resolve = resolveTo("127.0.0.1") })
	tests := []struct {
		name    string
		host    string
		options TLSOptions
		kind    Kind
		text    string
	}{
		{"trusted", "127.0.0.1", TLSOptions{CA: id.certPEM}, "", ""},
		{"not verified", "127.0.0.1", TLSOptions{Insecure: true}, "", ""},
		{"other name", "wrong.test", TLSOptions{CA: id.certPEM, ServerName: "svc.test"}, "", ""},
		{"unknown authority", "127.0.0.1", TLSOptions{}, TLS, "signed by an unknown authority"},
		{"wrong name", "wrong.test", TLSOptions{CA: id.certPEM}, TLS, "is not valid for wrong.test"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ctx := within(t, 5*time.Second)
			conn, err := n.Dial(ctx, &DialRequest{Host: tt.host, Port: port, TLS: &tt.options})
			if tt.kind != "" {
				wantError(t, err, tt.kind, tt.text)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if got, err := conn.Receive(ctx, 100); err != nil || got != "secret" {
				t.Errorf("Receive = %q, %v", got, err)
			}
			wantError(t, conn.StartTLS(ctx, &tt.options), Invalid, "TLS already")
		})
	}
}

func TestStreamNotTLS(t *testing.T) {
	port := listen(t, func(c net.Conn) { io.WriteString(c, "220 plain text here\r\n"); hang(c) })
	_, err := newNet(t, nil).Dial(within(t, 5*time.Second), &DialRequest{Host: "127.0.0.1", Port: port, TLS: &TLSOptions{}})
	wantError(t, err, TLS, "does not speak TLS")
	silent := listen(t, hang)
	_, err = newNet(t, nil).Dial(within(t, 100*time.Millisecond), &DialRequest{Host: "127.0.0.1", Port: silent, TLS: &TLSOptions{}})
	wantError(t, err, Timeout, "timed out")
}

func TestLimitPerHost(t *testing.T) {
	var open, most atomic.Int32
	port := listen(t, func(c net.Conn) {
		now := open.Add(1)
		for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
		}
		hang(c)
		open.Add(-1)
	})
	n := newNet(t, func(o *Options) { o.PerHost = 2 })
	req := &DialRequest{Host: "127.0.0.1", Port: port}
	a, err1 := n.Dial(within(t, time.Second), req)
	b, err2 := n.Dial(within(t, time.Second), req)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	_, err := n.Dial(within(t, 50*time.Millisecond), req)
	wantError(t, err, Timeout, "timed out waiting for one of the 2 connections")
	other := listen(t, hang)
	c, err := n.Dial(within(t, time.Second), &DialRequest{Host: "127.0.0.1", Port: other})
	if err != nil {
		t.Fatalf("another port is held back: %v", err)
	}
	c.Close()
	time.AfterFunc(50*time.Millisecond, func() { a.Close(); a.Close() })
	d, err := n.Dial(within(t, 2*time.Second), req)
	if err != nil {
		t.Fatalf("no slot after a Close: %v", err)
	}
	_, err = n.Dial(within(t, 50*time.Millisecond), req)
	wantError(t, err, Timeout, "timed out")
	b.Close()
	d.Close()
	n.limit.mu.Lock()
	left := len(n.limit.hosts)
	n.limit.mu.Unlock()
	if left != 0 {
		t.Errorf("%d hosts are still counted", left)
	}
	if most.Load() > 3 { // the server sees a Close a moment late
		t.Errorf("%d connections at once", most.Load())
	}
}

func TestFailedDialsGiveSlotsBack(t *testing.T) {
	n := newNet(t, func(o *Options) { o.PerHost = 1 })
	port := closedPort(t)
	for range 5 {
		_, err := n.Dial(within(t, time.Second), &DialRequest{Host: "127.0.0.1", Port: port})
		wantError(t, err, Refused, "refused")
	}
}
