package engine_test

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
			edit, _ := b.e.StoredService(parent.ID)
			edit.DependsOn = []engine.Ref{serviceRef(child)}
			_, err := b.e.SaveService(b.t.Context(), admin, edit)
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
			time.Sleep(11 * time.Second)
			got := b.heard()
			slices.Sort(got)
			if !slices.Equal(got, []string{"mail recovery"}) && !slices.Equal(got, []string{"mail firing", "mail recovery"}) {
				t.Errorf("heard %q", got)
			}
			time.Sleep(20 * time.Second)
			if extra := b.heard(); len(got) == 1 && !slices.Equal(extra, []string{"mail firing"}) {
				t.Errorf("a child still open fires on its next failed result: %q", extra)
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
