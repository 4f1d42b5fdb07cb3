package monitor_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"moonwatch/engine"
)

func failed(why string) engine.AlertReport {
	return engine.AlertReport{Outcome: engine.OutcomeFailed, Why: why}
}

func TestDeliveryIsRetried(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		b.answers["mail"] = []engine.AlertReport{failed("refused"), failed("refused"), failed("refused")}
		b.set("web", "ERROR")
		b.service("Shop", []string{"mail"}, b.check("web", nil))
		time.Sleep(20 * time.Second)
		synctest.Wait()
		b.mu.Lock()
		calls := b.calls
		b.mu.Unlock()
		if len(calls) != 4 {
			t.Fatalf("%d attempts, want 4", len(calls))
		}
		for i, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
			if gap := calls[i+1].At.Sub(calls[i].At).Round(10 * time.Millisecond); gap != want {
				t.Errorf("retry %d after %s, want %s", i+1, gap, want)
			}
			if calls[i+1].Delivery != calls[0].Delivery || calls[i+1].Attempt != i+2 {
				t.Errorf("attempt %+v", calls[i+1])
			}
		}
		d := b.deliveries(engine.DeliverySent)
		if len(d) != 1 || len(d[0].Attempts) != 4 || d[0].Attempts[0].Error != "refused" || d[0].Attempts[3].Error != "" {
			t.Errorf("deliveries %+v", d)
		}
	})
}

func TestDeliveryDiesAndIsRetriedByHand(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		for range 400 {
			b.answers["mail"] = append(b.answers["mail"], failed("down"))
		}
		b.set("web", "ERROR")
		c := b.check("web", func(c *engine.Check) { c.Interval = engine.Duration(time.Hour) })
		s := b.service("Shop", []string{"mail"}, c)
		edit, _ := b.e.Targets.StoredService(s.ID)
		edit.RepeatInterval = map[engine.Status]engine.Duration{engine.StatusError: engine.Duration(200 * time.Hour)}
		b.e.Targets.SaveService(b.t.Context(), admin, edit)
		time.Sleep(25 * time.Hour)
		synctest.Wait()
		dead := b.deliveries(engine.DeliveryDead)
		if len(dead) != 1 || dead[0].Why != "down" {
			t.Fatalf("dead %+v", dead)
		}
		b.mu.Lock()
		b.answers["mail"], b.calls = nil, nil
		b.mu.Unlock()
		if _, err := b.e.Incidents.RetryDelivery(b.t.Context(), admin, dead[0].ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		b.wantHeard("mail firing")
		if _, err := b.e.Incidents.RetryDelivery(b.t.Context(), admin, dead[0].ID); engine.KindOf(err) != engine.Conflict {
			t.Errorf("retry of a sent delivery: %v", err)
		}
	})
}

// TestDeliveryIsTriedForADay holds how an attempt follows another, until none is
// made that would come more than 24 hours after the first, and what is shown of
// a delivery that is dead.
func TestDeliveryIsTriedForADay(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		b.answers["mail"] = slices.Repeat([]engine.AlertReport{failed("down")}, 1000)
		c := b.check("web", rarely)
		s := b.service("Shop", []string{"mail"}, c)
		b.editService(s, func(s *engine.Service) {
			s.RepeatInterval = map[engine.Status]engine.Duration{engine.StatusError: engine.Duration(200 * time.Hour)}
		})
		pass(time.Second)
		b.turn(c, "ERROR")
		begun := time.Now()
		state := func() engine.Delivery {
			t.Helper()
			all := b.deliveries("")
			if len(all) != 1 {
				t.Fatalf("%d deliveries", len(all))
			}
			return all[0]
		}
		pass(23*time.Hour + 50*time.Minute)
		if d := state(); d.State != engine.DeliveryFailed || d.NextAttempt == nil || time.Until(*d.NextAttempt) > 5*time.Minute {
			t.Errorf("after 23:50 h it is %s, next at %v", d.State, d.NextAttempt)
		}
		pass(11 * time.Minute)
		d := state()
		if d.State != engine.DeliveryDead || d.Why != "down" || d.NextAttempt != nil {
			t.Errorf("after a day it is %s: %q, next at %v", d.State, d.Why, d.NextAttempt)
		}
		last := d.Attempts[len(d.Attempts)-1].At.Sub(begun)
		if n := len(d.Attempts); n < 24*12 || n > 24*12+10 || last < 24*time.Hour-5*time.Minute-time.Second || last > 24*time.Hour {
			t.Errorf("%d attempts, the last after %s", n, last)
		}
		for i := 1; i < len(d.Attempts); i++ {
			want := min(time.Second<<min(i-1, 20), 5*time.Minute)
			if gap := d.Attempts[i].At.Sub(d.Attempts[i-1].At).Round(10 * time.Millisecond); gap != want {
				t.Errorf("attempt %d came after %s, want %s", i+1, gap, want)
			}
		}
		pass(24 * time.Hour)
		if got := state(); len(got.Attempts) != len(d.Attempts) {
			t.Errorf("%d further attempts of a dead delivery", len(got.Attempts)-len(d.Attempts))
		}
	})
}

// TestNewEventAfterADeadDelivery holds that a later event is sent, as firing.
func TestNewEventAfterADeadDelivery(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		b.answers["mail"] = []engine.AlertReport{{Outcome: engine.OutcomeFailed, Why: "no such room", NoRetry: true}}
		c := b.check("web", rarely)
		b.service("Shop", []string{"mail"}, c)
		pass(time.Second)
		b.turn(c, "ERROR")
		pass(time.Minute)
		b.wantHeard("mail firing")
		if d := b.deliveries(engine.DeliveryDead); len(d) != 1 || len(d[0].Attempts) != 1 || d[0].Why != "no such room" {
			t.Errorf("dead: %+v", d)
		}
		pass(time.Hour)
		b.wantHeard("mail firing") // the repeat
	})
}

func TestUndeliveredFiringIsSupersededByRecovery(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		b.answers["mail"] = []engine.AlertReport{failed("down"), failed("down"), failed("down"), failed("down"), failed("down")}
		b.set("web", "ERROR")
		b.service("Shop", []string{"mail"}, b.check("web", nil))
		time.Sleep(2 * time.Second)
		b.set("web", "")
		time.Sleep(time.Minute)
		synctest.Wait()
		for _, kind := range b.heard() {
			if kind != "mail firing" {
				t.Errorf("heard %s: nothing was told, so nothing is to be taken back", kind)
			}
		}
		if d := b.deliveries(engine.DeliverySuperseded); len(d) != 1 {
			t.Errorf("superseded %+v", d)
		}
		if d := b.deliveries(engine.DeliverySent); len(d) != 0 {
			t.Errorf("sent %+v", d)
		}
	})
}

func TestNewerEventGoesAsFiringWhenNothingWasTold(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		b.answers["mail"] = []engine.AlertReport{failed("down"), failed("down"), failed("down")}
		b.set("web", "WARNING")
		b.service("Shop", []string{"mail"}, b.check("web", nil))
		time.Sleep(3500 * time.Millisecond)
		b.set("web", "CRITICAL")
		time.Sleep(30 * time.Second)
		synctest.Wait()
		d := b.deliveries(engine.DeliverySent)
		if len(d) != 1 || d[0].Kind != engine.AlertFiring || d[0].Snapshot.OverallStatus != engine.StatusCritical {
			t.Errorf("sent %+v", d)
		}
		if d := b.deliveries(engine.DeliverySuperseded); len(d) != 1 {
			t.Errorf("superseded %+v", d)
		}
	})
}

func TestTimeoutOfAnAttemptCountsAsTold(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		b.answers["mail"] = []engine.AlertReport{{Outcome: engine.OutcomeUnknown, Why: "timed out"}, failed("down"), failed("down"), failed("down")}
		b.set("web", "ERROR")
		b.service("Shop", []string{"mail"}, b.check("web", nil))
		time.Sleep(1500 * time.Millisecond)
		b.set("web", "")
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := b.heard(); got[len(got)-1] != "mail recovery" {
			t.Errorf("heard %q, want it to end in a recovery", got)
		}
		if d := b.deliveries(engine.DeliverySent); len(d) != 1 || d[0].Kind != engine.AlertRecovery {
			t.Errorf("sent %+v", d)
		}
	})
}

// TestUnansweredAttemptCountsAsTold holds that a request which got no answer was
// perhaps taken, whatever the plugin said of it: the incident's end is told.
func TestUnansweredAttemptCountsAsTold(t *testing.T) {
	for name, answer := range map[string]engine.AlertReport{
		"not sent": {Outcome: engine.OutcomeFailed, Why: "no answer in time", Unanswered: true},
		"hopeless": {Outcome: engine.OutcomeFailed, Why: "no answer in time", Unanswered: true, NoRetry: true},
		"skipped":  {Outcome: engine.OutcomeSkipped, Why: "it did not answer", Unanswered: true},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(b *bench) {
				b.start()
				b.answers["mail"] = []engine.AlertReport{answer, failed("down"), failed("down"), failed("down")}
				b.set("web", "ERROR")
				b.service("Shop", []string{"mail"}, b.check("web", nil))
				time.Sleep(1500 * time.Millisecond)
				b.set("web", "")
				time.Sleep(time.Minute)
				synctest.Wait()
				recoveries := 0
				for _, d := range b.deliveries("") {
					switch {
					case d.Kind == engine.AlertRecovery:
						recoveries++
						if d.State != engine.DeliverySent {
							t.Errorf("the recovery is %s", d.State)
						}
					case d.Attempts[0].Outcome != string(engine.OutcomeUnknown) || d.Attempts[0].Error != answer.Why:
						t.Errorf("the first attempt is %+v, want it unknown", d.Attempts[0])
					}
				}
				if recoveries != 1 {
					t.Errorf("%d recoveries, want one", recoveries)
				}
			})
		})
	}
}

func TestRecoveryWaitsBehindAnAttemptUnderWay(t *testing.T) {
	for _, told := range []bool{true, false} {
		in(t, func(b *bench) {
			b.start()
			b.block = make(chan struct{})
			if !told {
				b.answers["mail"] = []engine.AlertReport{failed("down")}
			}
			b.set("web", "ERROR")
			b.service("Shop", []string{"mail"}, b.check("web", nil))
			time.Sleep(1500 * time.Millisecond)
			b.set("web", "")
			time.Sleep(3 * time.Second)
			b.wantHeard("mail firing")
			close(b.block)
			time.Sleep(time.Minute)
			synctest.Wait()
			if told {
				b.wantHeard("mail recovery")
			} else {
				b.wantHeard()
			}
		})
	}
}

func TestSlowAlertPluginDelaysNobody(t *testing.T) {
	in(t, func(b *bench) {
		b.addAlert("chat", false)
		b.start()
		c := b.check("web", nil)
		b.service("Shop", []string{"mail", "chat"}, c)
		time.Sleep(time.Second)
		slow := *b.plugin("mail")
		slow.OnAlert = func(ctx context.Context, _ *engine.AlertCall) engine.AlertReport {
			<-ctx.Done()
			return engine.AlertReport{Outcome: engine.OutcomeUnknown, Why: "timed out"}
		}
		b.plugins.Put(engine.PluginEntry{Slug: "mail", Plugin: &slow, File: "mail.lua"})
		b.set("web", "ERROR")
		n := len(b.results(c))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		b.wantHeard("chat firing")
		if got := len(b.results(c)) - n; got < 9 {
			t.Errorf("%d results in 10 s", got)
		}
	})
}
