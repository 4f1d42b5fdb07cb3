package edit

import (
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/rota"
)

func TestMayOverride(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2026, 6, 1, hour, 0, 0, 0, time.UTC) }
	put := func(user string, from, to int) engine.RotaOverride {
		return engine.RotaOverride{User: user, Start: at(from), End: at(to)}
	}
	shift := func(user string, from, to int) rota.Shift {
		return rota.Shift{User: user, Start: at(from), End: at(to), UID: rota.RotationUID}
	}
	// It is 12:00. ada has 0 to 24, ben 24 to 48, both 48 to 72; then nobody.
	shifts := []rota.Shift{shift("ada", 0, 24), shift("ben", 24, 48), shift("ada", 48, 72), shift("ben", 48, 72)}
	type list = []engine.RotaOverride
	for _, c := range []struct {
		name      string
		old, next list
		want      bool
	}{
		{"nothing", nil, nil, true},
		{"hand over the rest", nil, list{put("cyd", 12, 24)}, true},
		{"hand over a part", nil, list{put("cyd", 14, 16)}, true},
		{"hand over more than one has", nil, list{put("cyd", 14, 26)}, false},
		{"hand over another's", nil, list{put("cyd", 24, 48)}, false},
		{"hand over what two have", nil, list{put("cyd", 50, 52)}, false},
		{"take over another's", nil, list{put("ada", 24, 48)}, true},
		{"take over what nobody has", nil, list{put("ada", 72, 80)}, true},
		{"put another where nobody is", nil, list{put("cyd", 72, 80)}, false},
		{"take back", list{put("cyd", 12, 24)}, nil, true},
		{"take back another's", list{put("cyd", 24, 48)}, nil, false},
		{"give back what was taken over", list{put("ada", 24, 48)}, nil, true},
		{"take over in the past", list{put("ben", 0, 24)}, list{put("ben", 0, 24), put("ada", 6, 24)}, false},
		{"both at once", nil, list{put("ben", 14, 24), put("ada", 30, 40)}, true},
		{"own and another's", nil, list{put("ben", 14, 24), put("cyd", 30, 40)}, false},
		{"one override replaced by the same", list{put("cyd", 24, 48)}, list{put("cyd", 24, 30), put("cyd", 30, 48)}, true},
	} {
		if got := mayOverride(shifts, c.old, c.next, "ada", at(12)); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
