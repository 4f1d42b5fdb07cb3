package monitor_test

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/history"
	"moonwatch/engine/state"
)

// idsOf returns the ids of all records of a kind.
func (b *bench) ids(kind engine.Kind) []string {
	b.t.Helper()
	out := []string{}
	err := b.store.Scan(b.t.Context(), kind, engine.Query{}, func(r engine.Record) bool {
		out = append(out, r.ID)
		return true
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

// TestRetentionForgetsHistory lets incidents, their parts, the audit log and
// changes of status grow old.
func TestRetentionForgetsHistory(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		b.settings(func(s *engine.Settings) { s.HistoryKept = engine.Duration(48 * time.Hour) })
		minutely := func(c *engine.Check) { c.Interval = engine.Duration(time.Minute) }
		web, open := b.check("web", minutely), b.check("open", minutely)
		ada := b.user("ada")
		s := b.service("site", []string{"mail"}, web)
		b.service("stuck", []string{"mail"}, open)
		gone := b.service("gone", nil, web)
		if err := b.e.Targets.DeleteService(b.t.Context(), admin, gone.ID, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := b.e.Incidents.TestAlert(b.t.Context(), engine.Actor{User: ada.ID, Name: "ada", Role: "admin", Via: "api"}, engine.Ref{Kind: engine.KindService, ID: s.ID}, "mail"); err != nil {
			t.Fatal(err)
		}
		b.set("open", "ERROR")
		b.set("web", "ERROR")
		time.Sleep(3 * time.Hour)
		b.set("web", "")
		time.Sleep(time.Hour)
		first := b.incidents(nil)
		if len(first) != 2 || len(b.deliveries("")) < 8 {
			t.Fatalf("%d incidents and %d deliveries to begin with", len(first), len(b.deliveries("")))
		}
		silence := engine.NewSilence()
		silence.Services, silence.StartsAt, silence.EndsAt, silence.Maintenance = []string{s.ID}, time.Now(), time.Now().Add(time.Hour), true
		saved, err := b.e.Silences.SaveSilence(b.t.Context(), admin, silence)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		if err := b.e.Silences.DeleteSilence(b.t.Context(), admin, saved.ID, nil); err != nil {
			t.Fatal(err)
		}
		audit := len(b.ids(engine.KindAudit))
		time.Sleep(40 * time.Hour)
		b.set("web", "ERROR")
		time.Sleep(time.Hour)
		b.set("web", "")
		synctest.Wait()
		if len(b.ids(engine.KindAudit)) != audit || len(b.ids(engine.KindIncident)) != 3 {
			t.Fatal("something was deleted before its time")
		}
		time.Sleep(14 * time.Hour)
		synctest.Wait()

		left := b.incidents(nil)
		if len(left) != 2 {
			t.Fatalf("%d incidents are left, want the open one and the newer one", len(left))
		}
		kept := map[string]bool{}
		for _, in := range left {
			kept[in.ID] = true
			if len(in.Events) == 0 || in.Events[0].Kind != engine.AlertFiring {
				t.Errorf("incident %s lost its timeline: %+v", in.ID, in.Events)
			}
		}
		for _, id := range b.ids(engine.KindIncidentEvent) {
			if in, _, _ := strings.Cut(id, "/"); !kept[in] {
				t.Errorf("event %s is left without its incident", id)
			}
		}
		for _, d := range b.deliveries("") {
			if !kept[d.Incident] {
				t.Errorf("delivery %s of incident %q is left", d.ID, d.Incident)
			}
		}
		if n := len(b.ids(engine.KindAudit)); n != 0 {
			t.Errorf("%d entries of the audit log are left", n)
		}
		byObject := map[string]int{}
		for _, id := range b.ids(engine.KindTransition) {
			of, _, _ := strings.Cut(id, "/")
			byObject[of]++
		}
		want := map[string]int{
			history.CheckKey(web.ID): 3, "service:" + s.ID: 3, // how it stood before, failed, passed
			history.CheckKey(open.ID): 1, "service:" + first[0].Subject.ID: 1, "service:" + first[1].Subject.ID: 1,
		}
		want["service:"+s.ID] = 3
		if len(byObject) != 4 {
			t.Errorf("changes of %v are left, want those of what there is", byObject)
		}
		for of, n := range want {
			if byObject[of] != n {
				t.Errorf("%d changes of %s are left, want %d", byObject[of], of, n)
			}
		}
		if slices.ContainsFunc(b.ids(engine.KindMark), func(id string) bool { return strings.HasPrefix(id, "maintenance/") }) {
			t.Error("the deleted silence is left")
		}
		// The whole span that is kept is still known.
		now := time.Now()
		u, err := b.e.History.Uptime(b.t.Context(), history.CheckKey(open.ID), now.Add(-47*time.Hour), now)
		if err != nil || u.Failing != u.Total {
			t.Errorf("the failing check: %+v, %v", u, err)
		}
		u, err = b.e.History.Uptime(b.t.Context(), history.CheckKey(web.ID), now.Add(-47*time.Hour), now)
		if err != nil || u.Failing < 3500 || u.Failing > 3700 || u.Passing+u.Failing != u.Total {
			t.Errorf("the other check: %+v, %v", u, err)
		}
	})
}

// TestRetentionOfResultsAndSums: results stay until they are summed up, sums
// until their day is old, and neither outlives its check.
func TestRetentionOfResultsAndSums(t *testing.T) {
	in(t, func(b *bench) {
		now := time.Now()
		b.seedResults("c", now.Add(-100*time.Hour), now, 10*time.Minute)
		b.seedResults("orphan", now, now.Add(3*time.Hour), 10*time.Minute) // a crash in the middle of a deletion
		b.seedCheck("c", now.Add(-200*time.Hour), nil)
		b.seedCheck("d", now.Add(-200*time.Hour), nil)
		b.seedResults("d", now.Add(-10*time.Hour), now, 10*time.Minute)
		b.start()
		b.settings(func(s *engine.Settings) {
			s.Retention, s.SumRetention = engine.Duration(time.Hour), engine.Duration(72*time.Hour)
		})
		var refused atomic.Bool
		refused.Store(true)
		b.store.SetFail(func(batch *engine.Batch) error { // nothing can be summed up
			if refused.Load() && slices.ContainsFunc(batch.Puts, func(r engine.Record) bool { return r.Kind == engine.KindAggregate }) {
				return errDisk
			}
			return nil
		})
		count := func(check string) int {
			n := 0
			if err := b.store.Results(b.t.Context(), check, 0, 0, func(*engine.Result) bool { n++; return true }); err != nil {
				t.Fatal(err)
			}
			return n
		}
		time.Sleep(90 * time.Minute)
		if n := count("c"); n != 600 {
			t.Errorf("%d results, want 600: none is summed up", n)
		}
		refused.Store(false)
		time.Sleep(90 * time.Minute)
		synctest.Wait()
		if n := count("c"); n != 0 {
			t.Errorf("%d results are left, want none", n)
		}
		if n := count("orphan"); n != 0 {
			t.Errorf("%d results of a check that is not there are left", n)
		}
		days := func(check string) int {
			n := 0
			for id := range b.sums() {
				if strings.HasPrefix(id, check+"/") {
					n++
				}
			}
			return n
		}
		if got := days("c"); got != 3 {
			t.Errorf("%d days of aggregates, want the 3 of 5 that ended less than 72 hours ago", got)
		}
		if days("d") == 0 {
			t.Error("the aggregates of the other check are gone")
		}
		if err := b.e.Checks.DeleteCheck(b.t.Context(), admin, "d", nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(25 * time.Hour)
		synctest.Wait()
		if got := days("d"); got != 0 {
			t.Errorf("%d days of aggregates outlive their check", got)
		}
		if got := days("c"); got == 0 {
			t.Error("all aggregates are gone")
		}
		time.Sleep(80 * time.Hour)
		synctest.Wait()
		if got := days("c"); got != 0 {
			t.Errorf("%d days of aggregates are left after their time", got)
		}
	})
}

// TestRetentionLeavesWhatIsToBeSent: a recovery that nobody could be told yet
// keeps its incident alive, however old that is.
func TestRetentionLeavesWhatIsToBeSent(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		b.settings(func(s *engine.Settings) { s.HistoryKept = engine.Duration(time.Hour) })
		web := b.check("web", func(c *engine.Check) { c.Interval = engine.Duration(time.Minute) })
		b.service("site", []string{"mail"}, web)
		b.set("web", "ERROR")
		time.Sleep(10 * time.Minute)
		b.mu.Lock()
		for range 400 {
			b.answers["mail"] = append(b.answers["mail"], engine.AlertReport{Outcome: engine.OutcomeFailed, Why: "refused"})
		}
		b.mu.Unlock()
		b.set("web", "")
		time.Sleep(8 * time.Hour)
		synctest.Wait()
		list := b.incidents(nil)
		if len(list) != 1 || list[0].Closed == nil || len(list[0].Events) < 2 {
			t.Fatalf("incidents %+v, want the closed one with its timeline", list)
		}
		if len(b.deliveries(engine.DeliverySent)) == 0 || len(b.deliveries(engine.DeliveryFailed)) != 1 {
			t.Error("deliveries of an incident that is not over are gone")
		}
		time.Sleep(26 * time.Hour) // it has been given up
		synctest.Wait()
		if list := b.incidents(nil); len(list) != 0 || len(b.ids(engine.KindIncidentEvent)) != 0 || len(b.ids(engine.KindDelivery)) != 0 {
			t.Errorf("%d incidents, %d events and %d deliveries are left", len(list), len(b.ids(engine.KindIncidentEvent)), len(b.ids(engine.KindDelivery)))
		}
	})
}

// TestRetentionIsGentle deletes much in small batches.
func TestRetentionIsGentle(t *testing.T) {
	in(t, func(b *bench) {
		p := newPast(b.t)
		p.store = b.store
		for i := range 3000 {
			at := time.Now().Add(-1000 * 24 * time.Hour).Add(time.Duration(i) * time.Minute)
			p.put(engine.KindAudit, p.idAt(at), 0, at, engine.AuditEntry{})
			p.put(engine.KindTransition, "check:c/"+p.idAt(at), 0, at, state.Transition{Of: "check:c", At: at, From: "PASSING", To: "FAILING", Active: true})
		}
		largest := 0
		b.store.SetAfter(func(batch *engine.Batch) error {
			largest = max(largest, len(batch.Deletes))
			return nil
		})
		b.start()
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := len(b.ids(engine.KindAudit)); n != 0 {
			t.Errorf("%d entries of the audit log are left", n)
		}
		if ids := b.ids(engine.KindTransition); len(ids) != 1 || !strings.HasSuffix(ids[0], "6000") {
			t.Errorf("%d changes are left, want the last one", len(ids))
		}
		if largest == 0 || largest > 300 {
			t.Errorf("a batch deletes %d records", largest)
		}
	})
}
