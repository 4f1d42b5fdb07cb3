package monitor_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
)

func TestDependencies(t *testing.T) {
	setup := func(b *bench) (parent, child *engine.Service) {
		b.start()
		fast := func(c *engine.Check) { c.Interval = engine.Duration(10 * time.Second) }
		parent = b.service("Database", []string{"mail"}, b.check("db", fast))
		child = b.service("Shop", []string{"mail"}, b.check("web", fast))
		b.editService(child, func(s *engine.Service) { s.DependsOn = []engine.Ref{serviceRef(parent)} })
		time.Sleep(11 * time.Second)
		return parent, child
	}
	t.Run("a cycle is refused", func(t *testing.T) {
		in(t, func(b *bench) {
			parent, child := setup(b)
			edit, _ := b.e.Targets.StoredService(parent.ID)
			edit.DependsOn = []engine.Ref{serviceRef(child)}
			_, err := b.e.Targets.SaveService(b.t.Context(), admin, edit)
			if e, ok := err.(*engine.Error); !ok || len(e.Fields) != 1 || e.Fields[0].Code != "cycle" {
				t.Errorf("got %v", err)
			}
		})
	})
	t.Run("a parent that was told of suppresses", func(t *testing.T) {
		in(t, func(b *bench) {
			_, child := setup(b)
			b.set("db", "ERROR")
			b.set("web", "ERROR")
			time.Sleep(time.Minute)
			b.wantHeard("mail firing") // the database's alone
			list := b.incidents(nil)
			for _, in := range list {
				if in.Subject.ID == child.ID && !strings.Contains(in.Events[len(in.Events)-1].Decisions[0].Detail, "Database") {
					t.Errorf("the decision names the parent: %+v", in.Events)
				}
			}
			b.set("db", "")
			time.Sleep(31 * time.Second)
			got := b.heard()
			slices.Sort(got)
			if !slices.Equal(got, []string{"mail firing", "mail recovery"}) {
				t.Errorf("heard %q: the parent's recovery, and the child that is still open on its next failed result", got)
			}
		})
	})
	t.Run("a parent that passes lets it fire within its results", func(t *testing.T) {
		in(t, func(b *bench) {
			setup(b)
			b.set("web", "ERROR")
			time.Sleep(12 * time.Second)
			b.wantHeard("mail firing")
		})
	})
	t.Run("a parent that is less severe does not suppress", func(t *testing.T) {
		in(t, func(b *bench) {
			setup(b)
			b.set("db", "WARNING")
			time.Sleep(15 * time.Second)
			b.wantHeard("mail firing")
			b.set("web", "ERROR")
			time.Sleep(15 * time.Second)
			b.wantHeard("mail firing")
		})
	})
	t.Run("recovery of a suppressed child tells nobody", func(t *testing.T) {
		in(t, func(b *bench) {
			setup(b)
			b.set("db", "ERROR")
			b.set("web", "ERROR")
			time.Sleep(time.Minute)
			b.heard()
			b.set("web", "")
			time.Sleep(15 * time.Second)
			b.wantHeard()
		})
	})
}

// TestSuppressionStepByStep holds each condition by itself, with checks that run
// when the test says so.
func TestSuppressionStepByStep(t *testing.T) {
	type cast struct {
		*bench
		db, web       *engine.Check
		parent, child *engine.Service
	}
	play := func(name string, fn func(t *testing.T, c *cast)) {
		t.Run(name, func(t *testing.T) {
			in(t, func(b *bench) {
				b.start()
				c := &cast{bench: b, db: b.check("db", rarely), web: b.check("web", rarely)}
				c.parent, c.child = b.service("Database", []string{"mail"}, c.db), b.service("Shop", []string{"mail"}, c.web)
				b.editService(c.child, func(s *engine.Service) { s.DependsOn = []engine.Ref{serviceRef(c.parent)} })
				pass(time.Second)
				fn(t, c)
			})
		})
	}
	play("the parents' checks run now, and their results let it fire", func(t *testing.T, c *cast) {
		c.set("db", "slow 3s")
		n := len(c.started("db"))
		c.turn(c.web, "ERROR")
		pass(time.Second)
		if got := len(c.started("db")); got != n+1 {
			t.Errorf("%d runs of the parent's check", got-n)
		}
		c.wantHeard()
		pass(3 * time.Second)
		c.wantHeard("mail firing")
	})
	play("it waits for 30 s at most", func(t *testing.T, c *cast) {
		c.editCheck(c.db, func(k *engine.Check) { k.Timeout = engine.Duration(10 * time.Minute) })
		pass(time.Second)
		c.set("db", "slow 9m")
		c.turn(c.web, "ERROR")
		pass(29 * time.Second)
		c.wantHeard()
		pass(2 * time.Second)
		c.wantHeard("mail firing")
	})
	// Its 30 s end while the parent is still being told of: it looks again when those of
	// the parent end, and not all the time.
	play("it waits for a parent that is told of for longer than itself", func(t *testing.T, c *cast) {
		for range 50 {
			c.answers["mail"] = append(c.answers["mail"], failed("down"))
		}
		c.turn(c.db, "ERROR")
		c.turn(c.web, "ERROR")
		pass(20 * time.Second)
		c.turn(c.db, "CRITICAL")
		before := c.e.Hub.Seq()
		pass(20 * time.Second) // beyond the child's 30 s
		if n := c.e.Hub.Seq() - before; n > 20 {
			t.Errorf("%d commits while it waits", n)
		}
		pass(time.Minute)
	})
	play("a parent found failing then suppresses it, and it is checked all the same", func(t *testing.T, c *cast) {
		c.set("db", "ERROR")
		c.turn(c.web, "ERROR")
		pass(time.Second)
		c.wantHeard("mail firing")
		c.turn(c.web, "ERROR")
		pass(time.Hour - time.Minute)
		c.wantHeard()
		if n := len(c.results(c.web)); n != 3 {
			t.Errorf("%d results of the suppressed check", n)
		}
		if got := c.overall(c.child); got != engine.StatusError {
			t.Errorf("overall %s: suppression stops no status", got)
		}
	})
	play("a child still open fires on its next failed result that started later", func(t *testing.T, c *cast) {
		c.set("db", "ERROR")
		c.turn(c.web, "ERROR")
		pass(time.Second)
		c.wantHeard("mail firing")
		c.set("web", "slow 1h") // fails with its timeout, after the parent is back
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.e.RunCheck(c.t.Context(), c.web.ID)
		}()
		pass(time.Second)
		c.turn(c.db, "")
		pass(time.Second)
		c.wantHeard("mail recovery")
		<-done
		pass(time.Second)
		c.wantHeard() // that run started before
		c.turn(c.web, "ERROR")
		pass(time.Second)
		c.wantHeard("mail firing")
	})
	play("a parent that nobody was told of does not suppress", func(t *testing.T, c *cast) {
		c.editService(c.parent, func(s *engine.Service) { s.Alerts = nil })
		c.set("db", "CRITICAL")
		c.turn(c.web, "ERROR")
		pass(time.Minute)
		c.wantHeard("mail firing")
	})
	play("a parent in maintenance suppresses though nobody was told", func(t *testing.T, c *cast) {
		silence := c.silence(func(v *engine.Silence) { v.Services, v.Maintenance = []string{c.parent.ID}, true })
		c.set("db", "ERROR")
		c.turn(c.web, "ERROR")
		pass(10 * time.Minute)
		c.wantHeard()
		c.turn(c.db, "")
		pass(time.Second)
		c.turn(c.web, "ERROR")
		pass(time.Second)
		c.wantHeard("mail firing")
		_ = silence
	})
	play("a parent that is silenced without maintenance does not", func(t *testing.T, c *cast) {
		c.silence(func(v *engine.Silence) { v.Services = []string{c.parent.ID} })
		c.set("db", "ERROR")
		c.turn(c.web, "ERROR")
		pass(time.Minute)
		c.wantHeard("mail firing")
	})
	play("a parent that is itself suppressed suppresses", func(t *testing.T, c *cast) {
		cart := c.check("cart", rarely)
		grandchild := c.service("Cart", []string{"mail"}, cart)
		c.editService(grandchild, func(s *engine.Service) { s.DependsOn = []engine.Ref{serviceRef(c.child)} })
		pass(time.Second)
		c.set("db", "ERROR")
		c.set("web", "ERROR")
		c.turn(c.db, "ERROR")
		c.turn(c.web, "ERROR")
		c.turn(cart, "ERROR")
		pass(10 * time.Minute)
		c.wantHeard("mail firing") // the database's
		for _, k := range []*engine.Check{cart, c.web, c.db} {
			c.turn(k, "")
		}
		pass(time.Minute)
		c.wantHeard("mail recovery")
	})
	play("what was told is not suppressed any more, nor its recovery", func(t *testing.T, c *cast) {
		c.turn(c.web, "ERROR")
		pass(time.Minute)
		c.wantHeard("mail firing")
		c.turn(c.db, "CRITICAL")
		pass(time.Second)
		c.wantHeard("mail firing")
		c.turn(c.web, "")
		pass(time.Second)
		c.wantHeard("mail recovery")
	})
}
