package rota

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// dealtText lists who is on duty, with the hour at which each turn begins.
func dealtText(t *testing.T, d Deal, from, to time.Time) string {
	t.Helper()
	shifts, err := DealtShifts(d.Rotation, d.Dealt, d.Zone, from, to)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, s := range shifts {
		list = append(list, s.Start.Format("2T15")+" "+s.User)
	}
	return strings.Join(list, ", ")
}

// TestRedeal edits a rotation of weeks on Wednesday the 14th, in b's turn.
func TestRedeal(t *testing.T) {
	week := func(members string) *Rotation {
		return &Rotation{Members: strings.Fields(members), Every: "1w", Starts: "2026-01-05T09:00"}
	}
	now := at(t, "2026-01-14T12:00Z")
	for _, c := range []struct {
		name, gone string
		next       *Rotation
		want       string
	}{
		{"one who is not on duty leaves", "", week("b c d"), "5T09 a, 12T09 b, 19T09 c, 26T09 d, 2T09 b"},
		{"another leaves", "", week("a b d"), "5T09 a, 12T09 b, 19T09 d, 26T09 a, 2T09 b"},
		{"the one on duty leaves the rotation", "", week("a c d"), "5T09 a, 12T09 b, 19T09 c, 26T09 d, 2T09 a"},
		{"the one on duty is deleted", "b", week("a c d"), "5T09 a, 12T09 b, 14T12 c, 19T09 c, 26T09 d, 2T09 a"},
		{"one who is not on duty is deleted", "a", week("b c d"), "5T09 a, 12T09 b, 19T09 c, 26T09 d, 2T09 b"},
		{"one is added before the one on duty", "", week("x a b c d"), "5T09 a, 12T09 b, 19T09 c, 26T09 d, 2T09 x"},
		{"one is added behind", "", week("a b x c d"), "5T09 a, 12T09 b, 19T09 x, 26T09 c, 2T09 d"},
		{"another order", "", week("d c b a"), "5T09 a, 12T09 b, 19T09 a, 26T09 d, 2T09 c"},
		{"all are others", "", week("x y"), "5T09 a, 12T09 b, 19T09 x, 26T09 y, 2T09 x"},
		{"one has two turns", "", week("b a b c"), "5T09 a, 12T09 b, 19T09 c, 26T09 b, 2T09 a"},
		{"turns of two weeks", "", &Rotation{Members: strings.Fields("a b c d"), Every: "2w", Starts: "2026-01-05T09:00"}, "5T09 a, 12T09 b, 19T09 c, 2T09 d"},
		{"a new start that is over", "", &Rotation{Members: strings.Fields("a b c d"), Every: "1w", Starts: "2026-01-12T09:00"}, "5T09 a, 12T09 b, 19T09 b, 26T09 c, 2T09 d"},
		{"a new start to come", "", &Rotation{Members: strings.Fields("d a"), Every: "1w", Starts: "2026-01-23T10:00"}, "5T09 a, 12T09 b, 19T09 c, 23T10 d, 30T10 a"},
		{"none any more", "", nil, "5T09 a, 12T09 b"},
	} {
		old := Deal{Rotation: week("a b c d"), Zone: "UTC"}
		next := Deal{c.next, "UTC", Redeal(old, c.next, "UTC", now, c.gone, nil)}
		if got := dealtText(t, next, at(t, "2026-01-05T10:00Z"), at(t, "2026-02-03T00:00Z")); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
	later := &Rotation{Members: []string{"a", "b"}, Every: "1d", Starts: "2026-02-01T09:00"}
	other := &Rotation{Members: []string{"b", "a"}, Every: "1d", Starts: "2026-02-01T09:00"}
	if d := Redeal(Deal{Rotation: later, Zone: "UTC"}, other, "UTC", now, "", nil); d != nil {
		t.Errorf("an edit before the first handover leaves %+v", d)
	}
	zone := Deal{Rotation: week("a b c"), Zone: "UTC"}
	zone = Deal{zone.Rotation, "America/New_York", Redeal(zone, zone.Rotation, "America/New_York", now, "", nil)}
	if got, want := dealtText(t, zone, at(t, "2026-01-05T10:00Z"), at(t, "2026-02-01T00:00Z")), "5T09 a, 12T09 b, 19T14 c, 26T14 a"; got != want {
		t.Errorf("another zone: %s, want %s", got, want)
	}
}

// TestAnyEdits makes edits at random and holds what is true of each: the past
// stays, nobody is taken off duty before their handover but who is deleted,
// there is no gap, and from the handover on the members follow in their order.
func TestAnyEdits(t *testing.T) {
	for seed := range uint64(25) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		zone := []string{"UTC", "Europe/Berlin", "Australia/Lord_Howe"}[rnd.IntN(3)]
		people := strings.Fields("a b c d e f g")
		some := func() []string {
			list := slices.Clone(people)
			rnd.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
			return list[:1+rnd.IntN(len(list))]
		}
		deal := Deal{Rotation: &Rotation{Members: some(), Every: []string{"1d", "3d", "1w"}[rnd.IntN(3)], Starts: "2026-02-02T02:30"}, Zone: zone}
		now := at(t, "2026-03-01T00:00Z")
		for step := range 12 {
			now = now.Add(time.Duration(1+rnd.IntN(10*24*60)) * time.Minute)
			next := *deal.Rotation
			on := deal.shifts(now, now.Add(1))
			if len(on) != 1 {
				t.Fatalf("seed %d, step %d: %d on duty", seed, step, len(on))
			}
			gone := ""
			if rnd.IntN(3) == 0 && len(next.Members) > 1 {
				gone = next.Members[rnd.IntN(len(next.Members))]
				next.Members = slices.DeleteFunc(slices.Clone(next.Members), func(m string) bool { return m == gone })
			} else {
				next.Members = some()
			}
			after := Deal{&next, zone, Redeal(deal, &next, zone, now, gone, nil)}
			say := fmt.Sprintf("seed %d, step %d at %s: from %v to %v without %q", seed, step, now, deal.Rotation.Members, next.Members, gone)
			for back := time.Minute; back < 25*24*time.Hour; back += 13 * time.Hour {
				was, is := OnCall(deal.shifts(now.Add(-back), now), now.Add(-back)), OnCall(after.shifts(now.Add(-back), now), now.Add(-back))
				if !slices.Equal(was, is) {
					t.Fatalf("%s: %s before, %v was on duty, now %v", say, back, was, is)
				}
			}
			shifts := after.shifts(now, now.Add(60*24*time.Hour))
			if on[0].User != gone && (shifts[0].User != on[0].User || !shifts[0].End.Equal(on[0].End)) {
				t.Fatalf("%s: %v was on duty, now %v", say, on[0], shifts[0])
			}
			if gaps := Gaps(shifts, now, now.Add(60*24*time.Hour)); len(gaps) > 0 {
				t.Fatalf("%s: gaps %v", say, gaps)
			}
			for i := 1; i < len(shifts); i++ {
				if shifts[i].Start.Before(on[0].End) || shifts[i-1].Start.Before(on[0].End) {
					continue
				}
				place := slices.Index(next.Members, shifts[i-1].User)
				if want := next.Members[(place+1)%len(next.Members)]; place < 0 || shifts[i].User != want {
					t.Fatalf("%s: %s follows %s", say, shifts[i].User, shifts[i-1].User)
				}
			}
			if slices.ContainsFunc(shifts, func(s Shift) bool { return s.User == gone }) {
				t.Fatalf("%s: who is no more is on duty", say)
			}
			deal = after
			if gone != "" {
				people = slices.DeleteFunc(people, func(p string) bool { return p == gone })
			}
		}
	}
}
