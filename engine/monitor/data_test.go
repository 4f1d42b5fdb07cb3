package monitor_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
)

// TestPluginDataWritesWhatChanged: a small value costs a small write, however
// much its scope holds.
func TestPluginDataWritesWhatChanged(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		d, ctx, s := b.e.Plugins.PluginData(), b.t.Context(), engine.Scope{Plugin: "probe", Subject: "c1"}
		large := []byte(`"` + strings.Repeat("x", 16<<10-2) + `"`)
		for i := range 99 {
			if err := d.Set(ctx, s, fmt.Sprint("large", i), large, 0); err != nil {
				t.Fatal(err)
			}
		}
		b.store.KeepBatches()
		for i := range 490 {
			if err := d.Set(ctx, s, "small", []byte(fmt.Sprintf("%010d", 1e9+i)), 0); err != nil {
				t.Fatal(err)
			}
		}
		written := 0
		for _, batch := range b.store.Batches() {
			for _, r := range batch.Puts {
				if r.Kind == engine.KindPluginData {
					written += len(r.ID) + len(r.Data)
				}
			}
		}
		if written == 0 || written > 490*200 {
			t.Errorf("490 sets of 10 bytes wrote %d bytes", written)
		}
	})
}

// TestPluginDataBudget: a plugin that writes without end is told so, and another
// one is not; after a rest it may write again.
func TestPluginDataBudget(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		d, ctx := b.e.Plugins.PluginData(), b.t.Context()
		value := []byte(`"` + strings.Repeat("x", 16<<10-2) + `"`)
		taken := 0
		var refused error
		for i := 0; refused == nil && i < 10_000; i++ {
			scope := engine.Scope{Plugin: "probe", Subject: fmt.Sprint("c", i%7)} // of all its checks together
			if refused = d.Set(ctx, scope, "k", value, 0); refused == nil {
				taken += len(value)
			}
		}
		if refused == nil || !strings.Contains(refused.Error(), "writes too much") || taken > 9<<20 || taken < 7<<20 {
			t.Errorf("%d bytes were taken at once, then %v", taken, refused)
		}
		if err := d.Set(ctx, engine.Scope{Plugin: "other"}, "k", value, 0); err != nil {
			t.Errorf("another plugin: %v", err)
		}
		if _, err := d.Increment(ctx, engine.Scope{Plugin: "probe"}, "n", 1); err != nil {
			t.Errorf("a small write: %v", err)
		}
		time.Sleep(time.Minute)
		if err := d.Set(ctx, engine.Scope{Plugin: "probe"}, "k", value, 0); err != nil {
			t.Errorf("after a rest: %v", err)
		}
	})
}

// TestPluginDataOfOlderVersions lay in one record for each scope.
func TestPluginDataOfOlderVersions(t *testing.T) {
	in(t, func(b *bench) {
		past, later := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		type old struct {
			Value   json.RawMessage `json:"value"`
			Expires *time.Time      `json:"expires,omitempty"`
		}
		seed := func(s engine.Scope) {
			data, err := json.Marshal(map[string]old{"a/b": {json.RawMessage("1"), nil}, "later": {json.RawMessage("2"), &later}, "past": {json.RawMessage("3"), &past}})
			if err != nil {
				t.Fatal(err)
			}
			b.apply(engine.Batch{ID: "old", Puts: []engine.Record{{Kind: engine.KindPluginData, ID: s.Plugin + "/" + s.Subject, Data: data}}})
		}
		b.start()
		c := b.check("web", nil)
		own, shared := engine.Scope{Plugin: "probe", Subject: c.ID}, engine.Scope{Plugin: "probe"}
		seed(own)
		seed(shared)
		d, ctx := b.e.Plugins.PluginData(), b.t.Context()
		want := func(s engine.Scope, key, value string) {
			t.Helper()
			if v, found, err := b.e.Plugins.PluginData().Get(ctx, s, key); string(v) != value || found != (value != "") || err != nil {
				t.Errorf("%v %s is %q, %v %v; want %q", s, key, v, found, err, value)
			}
		}
		for _, s := range []engine.Scope{own, shared} {
			want(s, "a/b", "1")
			want(s, "later", "2")
			want(s, "past", "")
			if err := d.Set(ctx, s, "new", []byte("4"), 0); err != nil {
				t.Fatal(err)
			}
		}
		b.e.Stop()
		b.start()
		for _, s := range []engine.Scope{own, shared} {
			want(s, "a/b", "1")
			want(s, "later", "2")
			want(s, "past", "")
			want(s, "new", "4")
			for _, id := range b.ids(engine.KindPluginData) {
				if id == s.Plugin+"/"+s.Subject {
					t.Errorf("the old record %s is still there", id)
				}
			}
		}
		if err := b.e.Checks.DeleteCheck(ctx, admin, c.ID, nil); err != nil {
			t.Fatal(err)
		}
		for _, id := range b.ids(engine.KindPluginData) {
			if strings.Contains(id, c.ID) {
				t.Errorf("%s outlived its check", id)
			}
		}
		want(shared, "a/b", "1")
	})
}

// TestPluginDataIsReadWhenDurable: what a run reads is never ahead of the disk.
func TestPluginDataIsReadWhenDurable(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		d, ctx, s := b.e.Plugins.PluginData(), b.t.Context(), engine.Scope{Plugin: "probe", Subject: "c1"}
		if err := d.Set(ctx, s, "k", []byte("1"), 0); err != nil {
			t.Fatal(err)
		}
		b.store.SetAfter(func(batch *engine.Batch) error {
			for _, r := range batch.Puts {
				if r.Kind == engine.KindPluginData && bytes.Contains(r.Data, []byte("2")) {
					if v, _, _ := d.Get(ctx, s, "k"); string(v) != "1" {
						t.Errorf("%s is read before it is durable", v)
					}
				}
			}
			return nil
		})
		if err := d.Set(ctx, s, "k", []byte("2"), 0); err != nil {
			t.Fatal(err)
		}
		if v, _, _ := d.Get(ctx, s, "k"); string(v) != "2" {
			t.Errorf("%s is read when it is durable", v)
		}
	})
}
