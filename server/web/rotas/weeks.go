package rotas

import (
	"fmt"
	"slices"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/rota"
	"moonwatch/server/web/drawing"
)

// The next four weeks of a rota: a strip for each week, drawn on the server, and
// the same in words below it.

const (
	weeksShown = 4
	markColors = 8
)

// weeks lays out the shifts of a rota from this week's Monday on.
func (w *Pages) weeks(r *engine.Rota) ([]drawing.Week, []drawing.Legend, error) {
	zone, err := rota.LoadZone(r.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	now := w.Options.Now().In(zone)
	day := (int(now.Weekday()) + 6) % 7
	midnight := func(days int) time.Time { // also where the clock leaves it out
		return rota.FromWall(time.Date(now.Year(), now.Month(), now.Day()-day+days, 0, 0, 0, 0, time.UTC), zone).In(zone)
	}
	monday, end := midnight(0), midnight(7*weeksShown)
	shifts, err := w.Engine.OnCall.Shifts(r.ID, monday, end)
	if err != nil {
		return nil, nil, err
	}
	slices.SortFunc(shifts, func(a, b rota.Shift) int { return a.Start.Compare(b.Start) })
	marks := map[string]int{}
	var people []drawing.Legend
	for _, s := range shifts {
		if _, known := marks[s.User]; !known {
			marks[s.User] = len(marks) % markColors
			people = append(people, drawing.Legend{User: w.NameOfUser(s.User), Mark: marks[s.User]})
		}
	}
	out := make([]drawing.Week, weeksShown)
	for i := range out {
		out[i] = w.week(midnight(7*i), midnight(7*(i+1)), now, shifts, marks)
	}
	return out, people, nil
}

func (w *Pages) week(from, to, now time.Time, shifts []rota.Shift, marks map[string]int) drawing.Week {
	v := drawing.Week{From: from, To: to, Label: from.Format("2 January") + " to " + to.Add(-time.Hour).Format("2 January"), Now: -1, Lanes: 1}
	length := to.Sub(from).Seconds()
	share := func(t time.Time) float64 { return min(max(t.Sub(from).Seconds()/length, 0), 1) }
	if !now.Before(from) && now.Before(to) {
		v.Current, v.Now = true, share(now)
	}
	type piece struct {
		start, end time.Time
		turn       drawing.WeekTurn
	}
	var pieces []piece
	var lanes []time.Time // where each lane is free again
	for _, s := range rota.Within(shifts, from, to) {
		name := w.NameOfUser(s.User)
		lane := slices.IndexFunc(lanes, func(free time.Time) bool { return !s.Start.Before(free) })
		if lane < 0 {
			lane = len(lanes)
			lanes = append(lanes, time.Time{})
		}
		lanes[lane] = s.End
		pieces = append(pieces, piece{s.Start, s.End, drawing.WeekTurn{User: name, Mark: marks[s.User], Swap: s.UID == rota.OverrideUID}})
		v.Bars = append(v.Bars, drawing.WeekBar{
			From:  share(s.Start),
			To:    share(s.End),
			Lane:  lane,
			Class: fmt.Sprintf("p%d", marks[s.User]),
			Text:  name + ": " + turnTime(s.Start, from.Location()) + " to " + turnTime(s.End, from.Location()),
		})
	}
	v.Lanes = max(len(lanes), 1)
	for _, g := range rota.Gaps(shifts, maxTime(from, now), to) {
		pieces = append(pieces, piece{g.Start, g.End, drawing.WeekTurn{}})
		v.Bars = append(v.Bars, drawing.WeekBar{
			From:  share(g.Start),
			To:    share(g.End),
			Lane:  0,
			Class: "gap",
			Text:  "nobody: " + turnTime(g.Start, from.Location()) + " to " + turnTime(g.End, from.Location()),
		})
	}
	slices.SortStableFunc(pieces, func(a, b piece) int { return a.start.Compare(b.start) })
	for _, p := range pieces {
		p.turn.From, p.turn.To = turnTime(p.start, from.Location()), turnTime(p.end, from.Location())
		p.turn.Over, p.turn.Now = !p.end.After(now), !p.start.After(now) && p.end.After(now)
		v.Turns = append(v.Turns, p.turn)
	}
	return v
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// turnTime is a day and time of day in the rota's zone.
func turnTime(t time.Time, zone *time.Location) string { return t.In(zone).Format("Mon 2 Jan 15:04") }
