package lookup

import (
	"context"
	"html/template"
	"slices"
	"sync"
	"time"

	"moonwatch/engine"
	"moonwatch/server/web/drawing"
	"moonwatch/server/web/frame"
)

// stripsKept bounds how many strips are kept: those that were looked at. One takes
// about 4 KB.
const stripsKept = 1000

// strips keeps the latest results of the checks that lists showed, so that a list
// which is drawn again reads only what came since.
type strips struct {
	mu   sync.Mutex // guards kept
	kept map[string]strip
}

// strip is never changed, but replaced.
type strip struct {
	last  uint64 // the newest result of it
	bar   drawing.StatusBar
	drawn template.HTML
}

// Strip draws the latest results of a check for the row of a list. It is empty for
// a check that has none, or is not there.
func (w *Lookup) Strip(ctx context.Context, check string) template.HTML {
	newest := w.Engine.LatestResult(check)
	if newest == nil {
		return ""
	}
	w.strips.mu.Lock()
	known := w.strips.kept[check]
	w.strips.mu.Unlock()
	if known.last == newest.Seq {
		return known.drawn
	}
	next := known.with(w.resultsAfter(ctx, check, known))
	w.strips.put(check, next)
	return next.drawn
}

// resultsAfter reads the results that a strip lacks, oldest first. One with room
// left is read whole: older results may have come, too.
func (w *Lookup) resultsAfter(ctx context.Context, check string, known strip) (out []engine.Result, whole bool) {
	from := time.Time{}
	if whole = len(known.bar.Results) < drawing.BarResults; !whole {
		from = time.UnixMicro(int64(known.last) + 1)
	}
	w.Engine.Checks.ResultsBefore(ctx, check, from, 0, func(r *engine.Result) bool {
		out = append(out, *r)
		return len(out) < drawing.BarResults
	})
	slices.Reverse(out)
	return out, whole
}

func (s strip) with(results []engine.Result, whole bool) strip {
	next := strip{last: s.last}
	if !whole {
		next.bar.Results = append(next.bar.Results, s.bar.Results...)
	}
	for i := range results {
		next.last = results[i].Seq
		next.bar.Results = append(next.bar.Results, drawing.PlainBarOf(&results[i]))
	}
	if n := len(next.bar.Results) - drawing.BarResults; n > 0 {
		next.bar.Results = slices.Clone(next.bar.Results[n:])
	}
	next.drawn = drawing.DrawSmallStrip(next.bar)
	return next
}

func (s *strips) put(check string, next strip) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.kept[check]; !known && len(s.kept) >= stripsKept {
		for other := range s.kept { // whichever: it is read again when it is asked for
			delete(s.kept, other)
			break
		}
	}
	s.kept[check] = next
}

// Complete adds to lines what is shown of checks in tables: strips, the names of
// their plugins, and whether silences name them.
func (w *Lookup) Complete(ctx context.Context, lines []frame.CheckLine) {
	silences := w.Engine.Silences.Silences()
	for i := range lines {
		l := &lines[i]
		l.Strip, l.PluginName = w.Strip(ctx, l.ID), w.Card(l.Plugin).Name
		for _, s := range silences {
			tagged := slices.ContainsFunc(s.Tags, func(t string) bool { return slices.Contains(l.Tags, t) })
			l.Silenced = l.Silenced || s.Active && (tagged || slices.Contains(s.Checks, l.ID))
		}
	}
}
