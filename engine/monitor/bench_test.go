package monitor_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"moonwatch/engine"
)

// in runs fn in a bubble in which time is the test's.
func in(t *testing.T, fn func(b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		fn(b)
		if b.e != nil {
			b.e.Stop()
		}
	})
}

func (b *bench) editService(s *engine.Service, change func(*engine.Service)) {
	b.t.Helper()
	edit, err := b.e.Targets.StoredService(s.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	change(&edit)
	if _, err := b.e.Targets.SaveService(b.t.Context(), admin, edit); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) editUser(u *engine.User, change func(*engine.User)) {
	b.t.Helper()
	edit, err := b.e.Users.StoredUser(u.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	change(&edit)
	if _, err := b.e.Users.SaveUser(b.t.Context(), admin, edit, "", ""); err != nil {
		b.t.Fatal(err)
	}
}

// told returns the calls so far as "kind: users".
func (b *bench) told() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := []string{}
	for _, c := range b.calls {
		out = append(out, fmt.Sprintf("%s: %s", c.Kind, strings.Join(c.Users, " ")))
	}
	b.calls = nil
	return out
}

func (b *bench) wantTold(want ...string) {
	b.t.Helper()
	if got := b.told(); !slices.Equal(got, want) {
		b.t.Errorf("told %q, want %q", got, want)
	}
}

func serviceRef(s *engine.Service) engine.Ref { return engine.Ref{Kind: engine.KindService, ID: s.ID} }
