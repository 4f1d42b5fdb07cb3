package host

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	probing "github.com/prometheus-community/pro-bing"
)

// Limits of a PingRequest.
const (
	MaxPingCount = 100
	MaxPingSize  = 65000
	MinPingSize  = 24 // room for the time and the mark of the packet
)

// Ping sends ICMP echo requests, through an unprivileged socket where the
// system has those, else through a raw one. Where it permits neither the error
// is Denied and says what to change.
func (n *Net) Ping(ctx context.Context, req *PingRequest) (*PingAnswer, error) {
	r, err := req.withDefaults()
	if err != nil {
		return nil, err
	}
	addrs, err := n.resolve(ctx, r.Host)
	if err != nil {
		return nil, err
	}
	addr := net.IPAddr{IP: addrs[0].AsSlice(), Zone: addrs[0].Zone()}
	for _, privileged := range n.pingModes() {
		answer, err := ping(ctx, &r, addr, privileged)
		if isForbidden(err) {
			continue
		}
		if err != nil && ctx.Err() == nil {
			return nil, explain(ctx, err, r.Host)
		}
		if answer.Sent == 0 {
			return nil, explain(ctx, context.DeadlineExceeded, r.Host)
		}
		n.rawPing.Store(privileged)
		return answer, nil
	}
	return nil, &Error{Denied, "the system permits no ping: set net.ipv4.ping_group_range, or give the program CAP_NET_RAW"}
}

// pingModes are the kinds of socket in the order to try: the one that worked last, first.
func (n *Net) pingModes() [2]bool {
	raw := n.rawPing.Load()
	return [2]bool{raw, !raw}
}

func isForbidden(err error) bool {
	return errors.Is(err, os.ErrPermission) || errors.Is(err, syscall.EPROTONOSUPPORT) || errors.Is(err, syscall.EAFNOSUPPORT)
}

func (req PingRequest) withDefaults() (PingRequest, error) {
	if req.Count == 0 {
		req.Count = 3
	}
	if req.Interval == 0 {
		req.Interval = time.Second
	}
	if req.Timeout == 0 {
		req.Timeout = time.Second
	}
	if req.Size == 0 {
		req.Size = 56
	}
	switch {
	case req.Count < 1 || req.Count > MaxPingCount:
		return req, &Error{Invalid, "count must be from 1 to 100"}
	case req.Interval < 10*time.Millisecond:
		return req, &Error{Invalid, "interval must be at least 0.01"}
	case req.Timeout < 0:
		return req, &Error{Invalid, "timeout must be positive"}
	case req.Size < MinPingSize || req.Size > MaxPingSize:
		return req, &Error{Invalid, "size must be from 24 to 65000"}
	}
	return req, nil
}

// ping runs one series. When ctx ends, what came until then is the answer.
func ping(ctx context.Context, req *PingRequest, addr net.IPAddr, privileged bool) (*PingAnswer, error) {
	p := probing.New(addr.String())
	p.SetIPAddr(&addr)
	p.SetPrivileged(privileged)
	p.SetLogger(probing.NoopLogger{})
	p.Count, p.Interval, p.Size = req.Count, req.Interval, req.Size
	p.Timeout = time.Duration(req.Count-1)*req.Interval + req.Timeout
	p.RecordRtts, p.RecordTTLs = false, false
	var t tally
	p.OnSend = func(*probing.Packet) { t.sent.Add(1) }
	p.OnRecv = func(packet *probing.Packet) { t.receive(packet.Rtt, req.Timeout) }
	err := p.RunWithContext(ctx)
	return t.answer(), err
}

// tally counts the packets of a series.
type tally struct {
	sent atomic.Int64

	mu            sync.Mutex
	received      int
	min, max, sum time.Duration
}

func (t *tally) receive(took, timeout time.Duration) {
	if took > timeout {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.received == 0 || took < t.min {
		t.min = took
	}
	t.max = max(t.max, took)
	t.sum += took
	t.received++
}

func (t *tally) answer() *PingAnswer {
	t.mu.Lock()
	defer t.mu.Unlock()
	a := &PingAnswer{Sent: int(t.sent.Load()), Received: t.received, Min: t.min, Max: t.max}
	if t.received > 0 {
		a.Avg = t.sum / time.Duration(t.received)
	}
	if a.Sent > 0 {
		a.Loss = 100 * float64(a.Sent-a.Received) / float64(a.Sent)
	}
	return a
}
