package vm

import (
	"context"
	"sync"
	"time"
)

// waiting is the context of one wait of a run. Most waits are for an answer on a
// connection, which has deadlines of its own: until somebody asks for Done, it
// costs neither a timer nor a channel.
type waiting struct {
	context.Context           // the run's
	deadline        time.Time // zero: none but the run's

	mu    sync.Mutex // guards what follows
	done  chan struct{}
	timer *time.Timer
	err   error
	hooks []*hook
	first hook        // of hooks
	leave func() bool // stops following the run's context; nil while it is not followed
}

// hook is called when the wait ends before its time.
type hook struct {
	w *waiting
	f func() // nil: called or stopped
}

// Deadline returns when the wait ends.
func (w *waiting) Deadline() (time.Time, bool) {
	if w.deadline.IsZero() {
		return w.Context.Deadline()
	}
	return w.deadline, true
}

// Done returns what is closed when the wait ends.
func (w *waiting) Done() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done != nil {
		return w.done
	}
	w.done = make(chan struct{})
	if w.err != nil {
		close(w.done)
		return w.done
	}
	w.follow()
	if !w.deadline.IsZero() {
		w.timer = time.AfterFunc(time.Until(w.deadline), func() { w.end(context.DeadlineExceeded) })
	}
	return w.done
}

// Err says why the wait ended, nil while it lasts.
func (w *waiting) Err() error {
	w.mu.Lock()
	err := w.err
	w.mu.Unlock()
	if err == nil && !w.deadline.IsZero() && !time.Now().Before(w.deadline) {
		err = context.DeadlineExceeded
	}
	if err == nil {
		err = w.Context.Err()
	}
	return err
}

// AfterFunc is what package context looks for in the contexts of others.
func (w *waiting) AfterFunc(f func()) (stop func() bool) {
	w.Done()
	return w.OnCancel(f)
}

// OnCancel calls f once when the wait is ended before its deadline: by the
// watchdog, or with the run. stop undoes it and reports whether it was in time.
func (w *waiting) OnCancel(f func()) (stop func() bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := &w.first
	if h.w != nil {
		h = &hook{}
	}
	h.w, h.f = w, f
	if w.err != nil {
		h.f = nil
		go f()
		return h.stop
	}
	w.hooks = append(w.hooks, h)
	w.follow()
	return h.stop
}

func (h *hook) stop() bool {
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	waits := h.f != nil
	h.f = nil
	return waits
}

// follow has the wait end with the run. The lock is held.
func (w *waiting) follow() {
	if w.leave == nil {
		w.leave = context.AfterFunc(w.Context, func() { w.end(w.Context.Err()) })
	}
}

// cancel ends the wait; it is a context.CancelFunc.
func (w *waiting) cancel() { w.end(context.Canceled) }

// end ends the wait for a reason. The first one stands.
func (w *waiting) end(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return
	}
	w.err = err
	if w.done != nil {
		close(w.done)
	}
	if w.timer != nil {
		w.timer.Stop()
	}
	if w.leave != nil {
		w.leave()
	}
	for _, h := range w.hooks {
		if h.f != nil {
			go h.f()
			h.f = nil
		}
	}
	w.hooks = nil
}
