package alert

import (
	"slices"
	"time"

	"moonwatch/engine"
)

// Handling is how an open incident is being dealt with.
type Handling struct {
	Ack        *engine.Acknowledgement
	Suppressor *engine.Ref // what its subject depends on, which fails: nobody is told of it
	Silenced   bool        // silences cover all that fails
	Told       []string    // ids of those who were told last
	ToldAt     time.Time
}

// Handled reports whether the incident needs nobody now.
func (h *Handling) Handled() bool { return h.Ack != nil || h.Suppressor != nil || h.Silenced }

// Handling returns how each open incident is being dealt with, by its subject.
// Nothing in it is to be changed.
func (inc *Incidents) Handling() map[engine.Ref]*Handling {
	out := map[engine.Ref]*Handling{}
	inc.eachOpen(func(in *engine.Incident) {
		h := handlingOf(in)
		for _, notified := range in.Notified {
			if notified.At.Before(h.ToldAt) {
				continue
			}
			h.ToldAt, h.Told = notified.At, h.Told[:0:0]
			for user := range notified.Users {
				h.Told = append(h.Told, user)
			}
			slices.Sort(h.Told)
		}
		out[in.Subject] = &h
	})
	return out
}

// HandledChecks counts the failing checks, and the critical ones of them, of which
// all incidents are handled.
func (inc *Incidents) HandledChecks() (failing, critical int) {
	handled := map[string]bool{}
	inc.eachOpen(func(in *engine.Incident) {
		h := handlingOf(in)
		for _, f := range in.Failing {
			before, known := handled[f.ID]
			handled[f.ID] = h.Handled() && (before || !known)
		}
	})
	inc.Mu.RLock()
	defer inc.Mu.RUnlock()
	for id, so := range handled {
		c, s := inc.Tables.Checks[id], inc.Tables.States[id]
		if !so || c == nil || !c.Active || s == nil || s.Status != engine.CheckFailing {
			continue
		}
		failing++
		if severity, _ := s.Failing(); severity == engine.StatusCritical {
			critical++
		}
	}
	return failing, critical
}

// eachOpen calls fn for each open incident, with the read lock held.
func (inc *Incidents) eachOpen(fn func(*engine.Incident)) {
	inc.Mu.RLock()
	defer inc.Mu.RUnlock()
	for _, s := range inc.Tables.Subjects {
		if in := inc.Tables.Incidents[s.Incident]; s.Incident != "" && in != nil && in.Closed == nil {
			fn(in)
		}
	}
}

func handlingOf(in *engine.Incident) Handling {
	h := Handling{Ack: in.Ack, Silenced: len(in.Failing) > 0}
	if in.Suppressed != nil && !in.Fired {
		h.Suppressor = in.Suppressed.By
	}
	for _, f := range in.Failing {
		h.Silenced = h.Silenced && slices.Contains(in.Covered, f.ID)
	}
	return h
}
