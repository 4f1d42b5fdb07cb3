package web

import "moonwatch/engine"

// lookup finds what pages of several kinds show: names, choices, cards.
type lookup struct{ *frame }

// nameOfSubject finds the name and address of what a reference names.
func (w *frame) nameOfSubject(ref engine.Ref) link {
	l := link{Kind: string(ref.Kind) + "s", ID: ref.ID, Name: ref.ID}
	if ref.Kind == engine.KindService {
		if v, err := w.engine.Targets.Service(ref.ID); err == nil {
			l.Name, l.Status = v.Name, standing(v.OverallStatus)
		}
	} else if v, err := w.engine.Targets.Instance(ref.ID); err == nil {
		l.Name, l.Status = v.Name, standing(v.OverallStatus)
	}
	return l
}
