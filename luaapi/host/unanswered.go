package host

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
)

// Unanswered notes that a request of a run went out whole and no whole answer
// came back, so that the other side may have done what it was asked for. What
// was never sent (no connection, a write that broke off) is not noted, nor is
// what was answered, whatever the answer. It is safe for concurrent use.
type Unanswered struct{ noted atomic.Bool }

type unansweredKey struct{}

// WithUnanswered returns a context under which a Host and its streams note in u.
func WithUnanswered(ctx context.Context, u *Unanswered) context.Context {
	return context.WithValue(ctx, unansweredKey{}, u)
}

// NoteUnanswered notes it for the run that ctx belongs to, if it is of interest there.
func NoteUnanswered(ctx context.Context) {
	if u, _ := ctx.Value(unansweredKey{}).(*Unanswered); u != nil {
		u.noted.Store(true)
	}
}

// Noted reports whether there was such a request.
func (u *Unanswered) Noted() bool { return u.noted.Load() }

// writing follows one HTTP request until it is written; nil follows nothing.
type writing struct {
	ctx   context.Context
	whole atomic.Bool
}

// followWriting follows the request that is sent under ctx, if that is of interest there.
func followWriting(ctx context.Context) *writing {
	if ctx.Value(unansweredKey{}) == nil {
		return nil
	}
	return &writing{ctx: ctx}
}

// done is told when the request is written whole.
func (w *writing) done() {
	if w != nil {
		w.whole.Store(true)
	}
}

// lost is told when no whole answer came to the request.
func (w *writing) lost() {
	if w != nil && w.whole.Load() {
		NoteUnanswered(w.ctx)
	}
}

// isWriteError reports whether err came of writing: what was to be sent is not out.
func isWriteError(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "write"
}
