package lualib

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// Limits that hold for every call, whatever the budget says.
const (
	MaxString  = 16 << 20 // bytes in one string that a function builds
	MaxResults = 8000     // values that one call returns (unpack, byte)
	MaxDepth   = 200      // nested quantifiers and captures under way in one match
	pollSteps  = 4096     // steps between two looks at the context and the budget
	reportFrom = 256      // smaller strings are not reported to the budget
)

// Budget is what one run may still spend. Its methods are called from the
// goroutine that runs the Lua, every few thousand steps and for every string of
// 256 bytes and more; an error is raised in Lua as it stands.
type Budget interface {
	// Steps reports n more steps of work (about 1 to 10 ns each).
	Steps(n int) error
	// Bytes reports n bytes that are about to be, or have just been, built: more
	// than MaxString only when `..` is to build them.
	Bytes(n int) error
}

// Run is what the functions know of the run they serve. It belongs to one run
// and one goroutine. Every field may be left zero.
type Run struct {
	Budget  Budget
	Rand    *rand.Rand       // source of math.random; made at first use when nil
	Now     func() time.Time // clock of os.time and os.date; nil is time.Now
	Started time.Time        // os.clock counts from here
	// MaxString is how many bytes one string may have that a function builds; 0 is
	// the constant. The budget has to refuse a larger one of `..`.
	MaxString int

	asserted, assertedAt string // the message of the last assert that failed, and where that was
	building             int    // bytes that functions have built which wait for a function of the plugin
}

// Asserted is the message of the last assert that failed, which the run keeps.
func (r *Run) Asserted() string { return r.asserted }

// Building is how many bytes functions of the library hold that have called the
// plugin, as string.gsub does, and go on when it returns.
func (r *Run) Building() int { return r.building }

// Placed is the text of an error that nothing caught: that of assert, which has
// no position, with its position in front.
func (r *Run) Placed(text string) string {
	if text == "" || text != r.asserted || r.assertedAt == "" {
		return text
	}
	return r.assertedAt + " " + text
}

type runKey struct{}

// RunKey is the key of the *Run in a state's context. A context type of the
// caller's own may answer to it directly, which is quicker than a value.
func RunKey() any { return runKey{} }

// runOf returns the Run that L serves, or nil.
func runOf(L *lua.LState) *Run {
	ctx := L.Context()
	if ctx == nil {
		return nil
	}
	r, _ := ctx.Value(runKey{}).(*Run)
	return r
}

// now is the time on the run's clock.
func (r *Run) now() time.Time {
	if r == nil || r.Now == nil {
		return time.Now()
	}
	return r.Now()
}

// random returns the run's source, or nil when there is no run.
func (r *Run) random() *rand.Rand {
	if r == nil {
		return nil
	}
	if r.Rand == nil {
		r.Rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	return r.Rand
}

// maxString is the most bytes of a string that is built for L.
func maxString(L *lua.LState) int {
	if r := runOf(L); r != nil && r.MaxString > 0 {
		return r.MaxString
	}
	return MaxString
}

var errTooLarge = errors.New("resulting string too large")

// spend reports steps to the budget and looks at the context; it raises when
// either has ended.
func spend(L *lua.LState, steps int) {
	ctx := L.Context()
	if ctx == nil {
		return
	}
	if ctx.Err() != nil {
		L.RaiseError("%s", context.Cause(ctx).Error())
	}
	if r, _ := ctx.Value(runKey{}).(*Run); r != nil && r.Budget != nil {
		if err := r.Budget.Steps(steps); err != nil {
			L.RaiseError("%s", err.Error())
		}
	}
}

// claim reports a string of n bytes to the budget; it raises when the string
// may not be built. n may be beyond what an int of a real string can be.
func claim(L *lua.LState, n int) {
	if n < reportFrom {
		return
	}
	if n > maxString(L) {
		L.RaiseError("%s", errTooLarge.Error())
	}
	report(L, n)
}

// report tells the budget of n bytes and raises its error. It returns whether
// there is a budget.
func report(L *lua.LState, n int) bool {
	r := runOf(L)
	if r == nil || r.Budget == nil {
		return false
	}
	if err := r.Budget.Bytes(n); err != nil {
		L.RaiseError("%s", err.Error())
	}
	return true
}

// pacer counts the steps of a loop and spends them in portions.
type pacer struct {
	L     *lua.LState
	steps int
}

// scanned spends what it takes to look at n bytes once.
func scanned(L *lua.LState, n int) {
	if n >= pollSteps {
		spend(L, n/16)
	}
}

// step counts n steps.
func (p *pacer) step(n int) {
	p.steps += n
	if p.steps >= pollSteps {
		spend(p.L, p.steps)
		p.steps = 0
	}
}
