package server

import (
	"testing"
	"time"

	"moonwatch/engine/access"
)

// TestOperatorsSwapShifts holds that an operator hands over their own shifts, and
// changes nothing else of a rota.
func TestOperatorsSwapShifts(t *testing.T) {
	h := populated(t)
	operator, editor, viewer := h.users[access.Operator].ID, h.users[access.Editor].ID, h.users[access.Viewer].ID
	now := time.Now().UTC().Truncate(time.Hour)
	span := func(user string, from, to int) m {
		return m{"user": user, "start": now.Add(time.Duration(from) * time.Hour).Format(time.RFC3339), "end": now.Add(time.Duration(to) * time.Hour).Format(time.RFC3339)}
	}
	rotation := m{"members": []string{operator, editor}, "every": "1w", "starts": now.AddDate(0, 0, -1).Format("2006-01-02T15:04")}
	at := "/rotas/" + h.admin(201, "POST", "/rotas", m{"name": "turns", "rotation": rotation}).id()
	for _, one := range []struct {
		body m
		want int
	}{
		{m{"overrides": []m{span(viewer, 2, 20)}}, 200},
		{m{"overrides": []m{span(viewer, 2, 30)}}, 200},
		{m{"overrides": []m{}}, 200},                           // taken back
		{m{"overrides": []m{span(viewer, 10*24, 11*24)}}, 403}, // the editor's
		{m{"overrides": []m{span(operator, 10*24, 11*24)}}, 200},
		{m{"name": "mine"}, 403},
		{m{"overrides": []m{span(operator, 10*24, 11*24)}, "time_zone": "Asia/Tokyo"}, 403},
		{m{"rotation": m{"members": []string{operator}, "every": "1w", "starts": "2026-01-05T09:00"}}, 403},
		{m{"rotation": nil}, 403},
		{m{"overrides": []m{span("nobody", 2, 20)}}, 422},
	} {
		if r := h.as(access.Operator, "PATCH", at, one.body); r.status != one.want {
			t.Errorf("%v: %d %s, want %d", one.body, r.status, r.text, one.want)
		}
	}
	if r := h.as(access.Viewer, "PATCH", at, m{"overrides": []m{}}); r.status != 403 {
		t.Errorf("a viewer: %d", r.status)
	}
	if r := h.as(access.Operator, "POST", "/rotas", m{"name": "other", "rotation": rotation}); r.status != 403 {
		t.Errorf("an operator makes a rota: %d", r.status)
	}
	if r := h.as(access.Operator, "DELETE", at, nil); r.status != 403 {
		t.Errorf("an operator deletes a rota: %d", r.status)
	}
}
