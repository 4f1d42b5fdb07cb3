package schedule

import (
	"time"
)

const (
	// lightRun is what a run may be expected to hold, in bytes, to count as light.
	lightRun = 1 << 20
	// hungryWait is how often runs that wait for memory are looked at again.
	hungryWait = 20 * time.Millisecond
)

// room reports whether there is memory for one more run that is expected to hold
// so many bytes. Heavy ones may have three quarters of it. Light ones are begun
// up to a little more than all of it: there the heaviest runs are ended, so that
// no number of heavy checks keeps light ones from their slots. One heavy run may
// always begin.
func (s *Scheduler) room(expected uint64) bool {
	if s.Memory == nil {
		return true
	}
	held, most := s.Memory.RunMemory()
	use := max(held, s.claimed) + expected
	if expected <= lightRun {
		return use <= most+most/8
	}
	return use <= most-most/4 || s.heavy == 0 && held < most/2
}

// lightBurst is how many light runs a turn starts at most beyond what it starts
// of any kind. A late turn starts few, so that what is under way may end: but runs
// that take next to nothing are not to wait until those have ended that take all
// they can get.
const lightBurst = 32

// maxBeyond bounds the light runs in flight that began so. Where they alone are
// more than the processors can do, more of them in flight would only take memory,
// and each would end later: the rest waits in the queue, where it costs nothing.
const maxBeyond = 64

// claim counts a run that begins, and unclaim one that has ended.
func (s *Scheduler) claim(memory uint64) {
	s.claimed += memory
	if memory > lightRun {
		s.heavy++
	}
}

func (s *Scheduler) unclaim(memory uint64) {
	s.claimed -= memory
	if memory > lightRun {
		s.heavy--
	}
}

// feed begins runs that waited for memory, as far as there is room now. One that
// does not fit lets lighter ones pass: at its deadline it is skipped.
func (s *Scheduler) feed(now time.Time) {
	waiting := s.AwaitingMemory[:0]
	for _, t := range s.AwaitingMemory {
		p := s.share(t.Check.Plugin)
		switch {
		case !now.Before(t.expires):
			s.skip(t)
		case s.spare > 0 && s.InFlight < s.Limit && s.open(p) && s.room(t.memory):
			s.start(p, t)
		default:
			waiting = append(waiting, t)
		}
	}
	clear(s.AwaitingMemory[len(waiting):])
	s.AwaitingMemory = waiting
}
