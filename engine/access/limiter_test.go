package access

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestLimiter(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	l := NewLimiter(3, time.Minute)
	steps := []struct {
		after time.Duration
		key   string
		want  bool
	}{
		{0, "ada", true}, {0, "ada", true}, {0, "ada", true}, {0, "ada", false},
		{0, "bob", true},
		{30 * time.Second, "ada", false},
		{30 * time.Second, "ada", true}, {0, "ada", false},
		{time.Hour, "ada", true}, {0, "ada", true}, {0, "ada", true}, {0, "ada", false},
		{-time.Hour, "ada", false}, // the clock went back
	}
	for i, s := range steps {
		now = now.Add(s.after)
		if got := l.Allow(s.key, now); got != s.want {
			t.Errorf("step %d: Allow(%s) = %v, want %v", i, s.key, got, s.want)
		}
	}
	l.Return("ada", now)
	if !l.Allow("ada", now) || l.Allow("ada", now) {
		t.Error("Return did not give back exactly one attempt")
	}
}

// TestLimiterKeysAreBounded: what a visitor chooses takes no more than a hash,
// and is forgotten when it is full again.
func TestLimiterKeysAreBounded(t *testing.T) {
	now := time.Unix(1e9, 0)
	l := NewLimiter(2, time.Minute)
	long := strings.Repeat("x", 4<<20)
	for _, key := range []string{long + "a", long + "b"} {
		//lint:ignore SA4000 each call takes one
		if !l.Allow(key, now) || !l.Allow(key, now) || l.Allow(key, now) || l.Wait(key, now) == 0 {
			t.Errorf("a long key is not counted by itself")
		}
	}
	for key := range l.buckets {
		if len(key) > maxKeyBytes {
			t.Errorf("a key of %d bytes is kept", len(key))
		}
	}
	l.Allow("later", now.Add(l.full()+time.Minute))
	if len(l.buckets) != 1 {
		t.Errorf("%d keys are kept, 1 is not full", len(l.buckets))
	}
}

func TestAddressKey(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7", "2001:db8:1:2:3::4": "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff::": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64", "nowhere": "nowhere", "": "",
	} {
		if got := AddressKey(address); got != want {
			t.Errorf("AddressKey(%q) = %q, want %q", address, got, want)
		}
	}
}

func TestLimiterWait(t *testing.T) {
	now := time.Unix(1e9, 0)
	l := NewLimiter(1, time.Minute)
	if got := l.Wait("ada", now); got != 0 {
		t.Errorf("Wait of a new key = %v", got)
	}
	l.Allow("ada", now)
	if got := l.Wait("ada", now.Add(20*time.Second)); got.Round(time.Second) != 40*time.Second {
		t.Errorf("Wait = %v, want 40s", got)
	}
}

func TestLimiterForgets(t *testing.T) {
	now := time.Unix(1e9, 0)
	l := NewLimiter(2, time.Hour)
	l.Allow("victim", now)
	l.Allow("victim", now)
	for i := range 3 * maxKeys {
		l.Allow("flood "+strconv.Itoa(i), now)
		if len(l.buckets) > maxKeys {
			t.Fatalf("it remembers %d keys", len(l.buckets))
		}
	}
	if l.Allow("victim", now) {
		t.Error("a flood of other keys gave a spent key its attempts back")
	}
	now = now.Add(3 * time.Hour)
	l.forget(now)
	if len(l.buckets) != 0 {
		t.Errorf("%d keys are kept that are full again", len(l.buckets))
	}
}
