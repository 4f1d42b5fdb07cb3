package host

import (
	"context"
	"sync"
)

// Outgoing keeps the first things that a run sent: *HTTPRequest, *Mail and
// *ExecRequest, which hold secrets. It is safe for concurrent use.
type Outgoing struct {
	mu   sync.Mutex // guards list
	list []any
}

// maxOutgoing bounds what is kept of one run.
const maxOutgoing = 16

type outgoingKey struct{}

// WithOutgoing returns a context under which it is noted in o what is sent.
func WithOutgoing(ctx context.Context, o *Outgoing) context.Context {
	return context.WithValue(ctx, outgoingKey{}, o)
}

// NoteOutgoing notes what the run that ctx belongs to is about to send, if it is
// of interest there. It must not be changed afterwards.
func NoteOutgoing(ctx context.Context, sent any) {
	if o, _ := ctx.Value(outgoingKey{}).(*Outgoing); o != nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		if len(o.list) < maxOutgoing {
			o.list = append(o.list, sent)
		}
	}
}

// Noted returns what was noted, in order.
func (o *Outgoing) Noted() []any {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.list
}
