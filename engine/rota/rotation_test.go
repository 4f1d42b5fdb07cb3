package rota

import (
	"slices"
	"testing"
	"time"
)

func TestRotation(t *testing.T) {
	for _, c := range []struct {
		name     string
		rotation Rotation
		zone     string
		from, to string
		want     []string
	}{
		{"weeks over the spring change, under way at from", Rotation{[]string{"ada", "grace"}, "1w", "2026-03-16T09:00"}, "Europe/Berlin", "2026-03-28T00:00Z", "2026-04-07T00:00Z", []string{
			"shift 2026-03-23T08:00Z 2026-03-30T07:00Z grace",
			"shift 2026-03-30T07:00Z 2026-04-06T07:00Z ada",
			"shift 2026-04-06T07:00Z 2026-04-13T07:00Z grace"}},
		{"days over the autumn change", Rotation{[]string{"ada", "grace", "linus"}, "1d", "2026-10-24T09:00"}, "Europe/Berlin", "2026-10-24T00:00Z", "2026-10-26T12:00Z", []string{
			"shift 2026-10-24T07:00Z 2026-10-25T08:00Z ada",
			"shift 2026-10-25T08:00Z 2026-10-26T08:00Z grace",
			"shift 2026-10-26T08:00Z 2026-10-27T08:00Z linus"}},
		{"a handover that the spring change leaves out", Rotation{[]string{"ada", "grace"}, "1d", "2026-03-28T02:30"}, "Europe/Berlin", "2026-03-28T12:00Z", "2026-03-30T12:00Z", []string{
			"shift 2026-03-28T01:30Z 2026-03-29T01:30Z ada",
			"shift 2026-03-29T01:30Z 2026-03-30T00:30Z grace",
			"shift 2026-03-30T00:30Z 2026-03-31T00:30Z ada"}},
		{"none before it starts", Rotation{[]string{"ada"}, "2w", "2026-01-05T00:00"}, "", "2025-01-01T00:00Z", "2026-01-06T00:00Z", []string{
			"shift 2026-01-05T00:00Z 2026-01-19T00:00Z ada"}},
		{"half-open at from", Rotation{[]string{"ada", "grace"}, "1d", "2026-01-05T00:00"}, "UTC", "2026-01-06T00:00Z", "2026-01-07T00:00Z", []string{
			"shift 2026-01-06T00:00Z 2026-01-07T00:00Z grace"}},
		{"far from the start", Rotation{[]string{"a", "b", "c"}, "1d", "1970-01-01T00:00"}, "UTC", "2026-01-06T00:00Z", "2026-01-07T00:00Z", []string{
			"shift 2026-01-06T00:00Z 2026-01-07T00:00Z c"}}, // day 20459, which is 3 × 6819 + 2
	} {
		got, err := c.rotation.Shifts(c.zone, at(t, c.from), at(t, c.to))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if !slices.Equal(show(got), c.want) {
			t.Errorf("%s:\ngot  %v\nwant %v", c.name, show(got), c.want)
		}
	}
	from := at(t, "2026-01-01T00:00Z")
	for _, r := range []Rotation{{[]string{"a"}, "1h", "2026-01-01T00:00"}, {[]string{"a"}, "1d", "today"}} {
		if _, err := r.Shifts("", from, from.AddDate(0, 0, 1)); err == nil {
			t.Errorf("%+v has shifts", r)
		}
	}
	if _, err := (Rotation{[]string{"a"}, "1d", "2026-01-01T00:00"}).Shifts("Nowhere", from, from.AddDate(0, 0, 1)); err == nil {
		t.Error("a rotation has shifts in a zone that is not known")
	}
	if got, err := (Rotation{nil, "1d", "2026-01-01T00:00"}).Shifts("", from, from.AddDate(0, 0, 1)); err != nil || got != nil {
		t.Errorf("without members: %v, %v", got, err)
	}
}

// TestRotationHasNoGaps takes a rotation over three years of clock changes.
func TestRotationHasNoGaps(t *testing.T) {
	from := at(t, "2026-01-05T12:00Z")
	to := from.AddDate(3, 0, 0)
	for _, zone := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"} {
		for _, starts := range []string{"2026-01-05T00:00", "2026-01-05T02:00", "2026-01-05T02:30"} {
			shifts, err := Rotation{[]string{"a", "b"}, "1d", starts}.Shifts(zone, from, to)
			if err != nil {
				t.Fatal(err)
			}
			if gaps := Gaps(shifts, from, to); len(gaps) > 0 {
				t.Errorf("%s from %s has gaps: %v", zone, starts, gaps)
			}
			for i := range shifts[1:] {
				if !shifts[i].End.Equal(shifts[i+1].Start) || shifts[i].User == shifts[i+1].User {
					t.Errorf("%s from %s: %v then %v", zone, starts, shifts[i], shifts[i+1])
				}
			}
		}
	}
}

func TestEvery(t *testing.T) {
	for text, want := range map[string]int{"1d": 1, "1w": 7, "2w": 14, "10d": 10, "1w3d": 10, "366d": 366, " 1W ": 7} {
		if got, err := ParseEvery(text); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "d", "0d", "1", "1h", "24h", "1.5d", "-1d", "1d2", "367d", "999999999w", "99999999999999999999d"} {
		if got, err := ParseEvery(text); err == nil {
			t.Errorf("%q is %d days", text, got)
		}
	}
}

func TestApply(t *testing.T) {
	span := func(user, from, to string) Shift {
		return Shift{Start: at(t, from), End: at(t, to), User: user, UID: "u"}
	}
	over := func(user, from, to string) Override { return Override{user, at(t, from), at(t, to)} }
	base := []Shift{span("ada", "2026-01-01T00:00Z", "2026-01-03T00:00Z"), span("grace", "2026-01-03T00:00Z", "2026-01-05T00:00Z")}
	for _, c := range []struct {
		name      string
		overrides []Override
		want      []string
	}{
		{"none", nil, show(base)},
		{"inside one", []Override{over("linus", "2026-01-01T12:00Z", "2026-01-02T00:00Z")}, []string{
			"shift 2026-01-01T00:00Z 2026-01-01T12:00Z ada", "shift 2026-01-01T12:00Z 2026-01-02T00:00Z linus",
			"shift 2026-01-02T00:00Z 2026-01-03T00:00Z ada", "shift 2026-01-03T00:00Z 2026-01-05T00:00Z grace"}},
		{"over a handover", []Override{over("linus", "2026-01-02T00:00Z", "2026-01-04T00:00Z")}, []string{
			"shift 2026-01-01T00:00Z 2026-01-02T00:00Z ada", "shift 2026-01-02T00:00Z 2026-01-04T00:00Z linus",
			"shift 2026-01-04T00:00Z 2026-01-05T00:00Z grace"}},
		{"exactly one, and in a gap", []Override{over("linus", "2026-01-03T00:00Z", "2026-01-05T00:00Z"), over("ada", "2026-01-06T00:00Z", "2026-01-07T00:00Z")}, []string{
			"shift 2026-01-01T00:00Z 2026-01-03T00:00Z ada", "shift 2026-01-03T00:00Z 2026-01-05T00:00Z linus",
			"shift 2026-01-06T00:00Z 2026-01-07T00:00Z ada"}},
		{"the later counts", []Override{over("linus", "2026-01-01T00:00Z", "2026-01-05T00:00Z"), over("grace", "2026-01-02T00:00Z", "2026-01-03T00:00Z")}, []string{
			"shift 2026-01-01T00:00Z 2026-01-02T00:00Z linus", "shift 2026-01-02T00:00Z 2026-01-03T00:00Z grace",
			"shift 2026-01-03T00:00Z 2026-01-05T00:00Z linus"}},
		{"backwards", []Override{over("linus", "2026-01-03T00:00Z", "2026-01-02T00:00Z")}, show(base)},
	} {
		if got := show(Apply(base, c.overrides)); !slices.Equal(got, c.want) {
			t.Errorf("%s:\ngot  %v\nwant %v", c.name, got, c.want)
		}
	}
	if !slices.Equal(show(base), []string{"shift 2026-01-01T00:00Z 2026-01-03T00:00Z ada", "shift 2026-01-03T00:00Z 2026-01-05T00:00Z grace"}) {
		t.Errorf("the argument was changed: %v", base)
	}
}

func TestValidate(t *testing.T) {
	known := func(user string) bool { return user == "ada" || user == "grace" }
	codes := func(errs []FieldError) (got []string) {
		for _, e := range errs {
			got = append(got, e.Field+" "+e.Code)
			if e.Message == "" {
				t.Errorf("%s %s says nothing", e.Field, e.Code)
			}
		}
		return got
	}
	many := slices.Repeat([]string{"ada"}, MaxMembers+1)
	for _, c := range []struct {
		rotation Rotation
		want     []string
	}{
		{Rotation{[]string{"ada", "grace", "ada"}, "1w", "2026-01-05T09:00"}, nil},
		{Rotation{}, []string{"members required", "every required", "starts required"}},
		{Rotation{[]string{"ada", "zoe"}, "1h", "2026-01-05"}, []string{"members[1] not_found", "every invalid", "starts invalid"}},
		{Rotation{many, "53w", "2026-02-30T09:00"}, []string{"members max", "every max", "starts invalid"}},
		{Rotation{[]string{"ada"}, "0d", "2026-01-05T09:00Z"}, []string{"every invalid", "starts invalid"}},
	} {
		if got := codes(c.rotation.Validate(known)); !slices.Equal(got, c.want) {
			t.Errorf("%+v: got %v, want %v", c.rotation, got, c.want)
		}
	}
	start := at(t, "2026-01-05T09:00Z")
	for _, c := range []struct {
		override Override
		want     []string
	}{
		{Override{"ada", start, start.Add(time.Hour)}, nil},
		{Override{}, []string{"user required", "start required", "end required"}},
		{Override{"zoe", start, start}, []string{"user not_found", "end min"}},
		{Override{"ada", start, start.AddDate(2, 0, 0)}, []string{"end max"}},
	} {
		if got := codes(c.override.Validate(known)); !slices.Equal(got, c.want) {
			t.Errorf("%+v: got %v, want %v", c.override, got, c.want)
		}
	}
	if errs := (Override{"anyone", start, start.Add(time.Hour)}).Validate(nil); errs != nil {
		t.Errorf("without a list of users: %v", errs)
	}
}
