package monitor_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/config/importer"
)

// dutyList says who has which shift of a rota, by usernames.
func (b *bench) dutyList(id string) string {
	b.t.Helper()
	shifts, err := b.e.OnCall.Shifts(id, time.Now().Add(-20*24*time.Hour), time.Now().Add(30*24*time.Hour))
	if err != nil {
		b.t.Fatal(err)
	}
	var list []string
	for _, s := range shifts {
		name := "gone"
		if u, err := b.e.Users.User(s.User); err == nil {
			name = u.Username
		}
		list = append(list, s.Start.Format("0102")+" "+name)
	}
	return strings.Join(list, ", ")
}

// TestMembersLeaveARotation holds that deleting somebody who is not on duty
// leaves duty and the past as they were, that the others follow in their order,
// and that exports hold all of it.
func TestMembersLeaveARotation(t *testing.T) {
	in(t, func(b *bench) { // the bubble begins on 1 January 2000
		b.start()
		ada, ben, cyd, dan := b.user("ada"), b.user("ben"), b.user("cyd"), b.user("dan")
		r := engine.NewRota()
		r.Name, r.Rotation = "weeks", &engine.RotaRotation{Members: []string{ada.ID, ben.ID, cyd.ID, dan.ID}, Every: "1w", Starts: "1999-12-13T09:00"}
		saved, err := b.e.Rotas.SaveRota(b.t.Context(), admin, r)
		if err != nil {
			t.Fatal(err)
		}
		want := func(list string) {
			t.Helper()
			pass(time.Second)
			if got := b.dutyList(saved.ID); got != list {
				t.Errorf("got  %s\nwant %s", got, list)
			}
		}
		want("1213 ada, 1220 ben, 1227 cyd, 0103 dan, 0110 ada, 0117 ben, 0124 cyd")
		if err := b.e.Users.DeleteUser(b.t.Context(), admin, ada.ID, nil); err != nil {
			t.Fatal(err)
		}
		want("1213 gone, 1220 ben, 1227 cyd, 0103 dan, 0110 ben, 0117 cyd, 0124 dan")
		b.editUser(dan, func(u *engine.User) { u.Active = false })
		want("1213 gone, 1220 ben, 1227 cyd, 0103 dan, 0110 ben, 0117 cyd, 0124 dan")
		eve := b.user("eve")
		edit, err := b.e.OnCall.StoredRota(saved.ID)
		if err != nil {
			t.Fatal(err)
		}
		edit.Dealt = nil // clients do not send it
		edit.Rotation = &engine.RotaRotation{Members: []string{eve.ID, ben.ID, cyd.ID, dan.ID}, Every: "1w", Starts: "1999-12-13T09:00"}
		if _, err := b.e.Rotas.SaveRota(b.t.Context(), admin, edit); err != nil {
			t.Fatal(err)
		}
		const after = "1220 ben, 1227 cyd, 0103 dan, 0110 eve, 0117 ben, 0124 cyd"
		want("1213 gone, " + after)

		data, err := b.e.Config.Export(b.t.Context(), importer.ExportOptions{})
		if err != nil {
			t.Fatal(err)
		}
		report, err := b.e.Config.Import(b.t.Context(), admin, data, importer.ImportOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range report.Changes {
			if c.Action != "unchanged" {
				t.Errorf("its own export changes %+v", c)
			}
		}
		if err := b.e.Rotas.DeleteRota(b.t.Context(), admin, saved.ID, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := b.e.Config.Import(b.t.Context(), admin, data, importer.ImportOptions{}); err != nil {
			t.Fatal(err)
		}
		for _, one := range b.e.OnCall.Rotas() {
			saved.ID = one.ID
		}
		want(after) // whoever is no more is in no document

		if err := b.e.Users.DeleteUser(b.t.Context(), admin, cyd.ID, nil); err != nil { // on duty
			t.Fatal(err)
		}
		want("1220 ben, 1227 gone, 0101 dan, 0103 dan, 0110 eve, 0117 ben, 0124 dan")
	})
}

// TestPastSwapsOfADeletedUser holds that the past stays as it was.
func TestPastSwapsOfADeletedUser(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		ada, ben := b.user("ada"), b.user("ben")
		r := engine.NewRota()
		day := func(n int) time.Time { return time.Now().Truncate(time.Hour).AddDate(0, 0, n) }
		r.Name, r.Rotation = "weeks", &engine.RotaRotation{Members: []string{ada.ID}, Every: "1w", Starts: "1999-12-13T09:00"}
		r.Overrides = []engine.RotaOverride{{User: ben.ID, Start: day(-3), End: day(-2)}, {User: ben.ID, Start: day(-1), End: day(1)}, {User: ben.ID, Start: day(2), End: day(3)}}
		saved, err := b.e.Rotas.SaveRota(b.t.Context(), admin, r)
		if err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		if err := b.e.Users.DeleteUser(b.t.Context(), admin, ben.ID, nil); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		const want = "1213 ada, 1220 ada, 1227 ada, 1229 gone, 1230 ada, 1231 gone, 0101 ada, 0103 ada"
		if got := b.dutyList(saved.ID); !strings.HasPrefix(got, want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		stored, err := b.e.OnCall.StoredRota(saved.ID)
		if err != nil || len(stored.Overrides) != 0 {
			t.Errorf("overrides %s, %v", fmt.Sprint(stored.Overrides), err)
		}
	})
}
