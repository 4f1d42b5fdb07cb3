package monitor_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"moonwatch/engine"
)

func TestDutyOfficers(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		ada, ben, cyd := b.user("ada"), b.user("ben"), b.user("cyd")
		r := engine.NewRota()
		r.Name = "Primary"
		now := time.Now()
		r.Overrides = []engine.RotaOverride{{User: ben.ID, Start: now, End: now.Add(time.Hour)}}
		r.FallbackUser = cyd.ID
		saved, err := b.e.Rotas.SaveRota(b.t.Context(), admin, r)
		if err != nil {
			t.Fatal(err)
		}
		s := b.service("Shop", []string{"mail"}, b.check("web", nil))
		b.editService(s, func(s *engine.Service) { s.UsersToNotify, s.Rotas = []string{ada.ID}, []string{saved.ID} })
		if err := b.e.Users.DeleteUser(b.t.Context(), admin, cyd.ID, nil); engine.KindOf(err) != engine.Conflict {
			t.Errorf("deleting a fallback user: %v", err)
		}
		officers := func() string {
			b.mu.Lock()
			defer b.mu.Unlock()
			return strings.Join(b.officers, " ")
		}
		b.set("web", "ERROR")
		time.Sleep(2 * time.Second)
		if got := officers(); got != "ben" {
			t.Errorf("duty officers %q, want ben", got)
		}
		time.Sleep(2 * time.Hour)
		if got := officers(); got != "cyd" {
			t.Errorf("after the shift %q, want the fallback", got)
		}
		calls := b.e.OnCall.OnCall()
		if len(calls) != 1 || calls[0].Username != "cyd" || !calls[0].Fallback {
			t.Errorf("on call: %+v", calls)
		}
	})
}

func TestFeedKeepsOldShifts(t *testing.T) {
	in(t, func(b *bench) {
		feed := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20000101T000000Z\r\nDTEND:20000102T000000Z\r\nRRULE:FREQ=DAILY\r\nSUMMARY:ada\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
		var mu sync.Mutex // guards answer and fail
		answer, fail := feed, error(nil)
		b.options = func(o *engine.Options) {
			o.Fetcher = fetchFunc(func() ([]byte, error) {
				mu.Lock()
				defer mu.Unlock()
				return []byte(answer), fail
			})
		}
		serve := func(text string, err error) {
			mu.Lock()
			defer mu.Unlock()
			answer, fail = text, err
		}
		b.start()
		ada := b.user("ada")
		r := engine.NewRota()
		r.Name, r.ICalURL = "Primary", "https://example.org/duty.ics"
		saved, err := b.e.Rotas.SaveRota(b.t.Context(), admin, r)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		onCall := func(when string) {
			t.Helper()
			if calls := b.e.OnCall.OnCall(); len(calls) != 1 || calls[0].User != ada.ID || calls[0].Fallback {
				t.Errorf("%s: on call %+v", when, calls)
			}
		}
		onCall("after the save")
		for name, broken := range map[string]string{"cut short": feed[:100], "empty": "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n", "HTML": "<html>"} {
			serve(broken, nil)
			time.Sleep(31 * time.Minute)
			onCall(name)
			if v, _ := b.e.OnCall.Rota(saved.ID); !v.Stale || len(v.Problems) == 0 || v.Problems[0].Code != "stale" {
				t.Errorf("%s: shown as %+v", name, v.Problems)
			}
		}
		serve("", errDisk)
		b.e.Stop()
		b.start()
		time.Sleep(time.Second)
		onCall("after a restart without the feed")
		serve(feed, nil)
		if v, err := b.e.OnCall.RefreshRota(b.t.Context(), saved.ID); err != nil || v.Stale {
			t.Errorf("refreshed: %+v %v", v, err)
		}
	})
}

type fetchFunc func() ([]byte, error)

func (f fetchFunc) Fetch(context.Context, string, int64) ([]byte, error) { return f() }

// TestFeedThatNeverEnds: the others are read beside it, and what it brings in the
// end does not undo an edit.
func TestFeedThatNeverEnds(t *testing.T) {
	in(t, func(b *bench) {
		const good = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20000101T000000Z\r\nDTEND:20000102T000000Z\r\nRRULE:FREQ=DAILY\r\nSUMMARY:ada\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
		reads := map[string]int{}
		var mu sync.Mutex // guards reads
		b.options = func(o *engine.Options) {
			o.Fetcher = addressFetcher(func(ctx context.Context, url string) ([]byte, error) {
				mu.Lock()
				reads[url]++
				mu.Unlock()
				switch url {
				case "https://never.example.org/":
					<-ctx.Done()
					return nil, ctx.Err()
				case "https://slow.example.org/":
					time.Sleep(20 * time.Second)
				}
				return []byte(good), nil
			})
		}
		b.start()
		ada, grace := b.user("ada"), b.user("grace")
		time.Sleep(time.Second)
		save := func(r engine.Rota) engine.Rota {
			t.Helper()
			saved, err := b.e.Rotas.SaveRota(b.t.Context(), admin, r)
			if err != nil {
				t.Fatal(err)
			}
			return *saved
		}
		rota := func(name, url string) engine.Rota {
			r := engine.NewRota()
			r.Name, r.ICalURL = name, url
			return save(r)
		}
		for _, name := range []string{"a", "b", "c"} {
			rota(name, "https://never.example.org/")
		}
		quick, slow := rota("quick", "https://quick.example.org/"), rota("slow", "https://slow.example.org/")
		time.Sleep(time.Second)
		if v, _ := b.e.OnCall.Rota(quick.ID); v.ReadAt == nil {
			t.Error("a feed waits for others that never end")
		}
		// Saved again, it is read again; edited or deleted meanwhile, it brings nothing.
		save(quick)
		slow.ICalURL, slow.Rotation = "", &engine.RotaRotation{Members: []string{grace.ID}, Every: "1w", Starts: "1999-12-27T09:00"}
		save(slow)
		gone := rota("gone", "https://slow.example.org/")
		time.Sleep(time.Second)
		if err := b.e.Rotas.DeleteRota(b.t.Context(), admin, gone.ID, nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		mu.Lock()
		if n := reads["https://quick.example.org/"]; n != 2 {
			t.Errorf("the feed was read %d times after two saves", n)
		}
		mu.Unlock()
		onDuty := map[string]string{}
		for _, c := range b.e.OnCall.OnCall() {
			onDuty[c.RotaName] = c.User
		}
		if len(onDuty) != 2 || onDuty["quick"] != ada.ID || onDuty["slow"] != grace.ID {
			t.Errorf("on duty %v, want ada by the feed and grace by the rotation", onDuty)
		}
		if v, _ := b.e.OnCall.Rota(slow.ID); v.ReadAt != nil || v.Stale {
			t.Errorf("the rotation bears the marks of its old feed: %+v", v)
		}
		for _, r := range b.e.OnCall.Rotas() {
			if r.Name == "a" && (!r.Stale || len(r.Problems) == 0) {
				t.Errorf("a feed that never ends is shown as %+v", r)
			}
		}
	})
}

type addressFetcher func(ctx context.Context, url string) ([]byte, error)

func (f addressFetcher) Fetch(ctx context.Context, url string, _ int64) ([]byte, error) {
	return f(ctx, url)
}
