package monitor_test

import (
	"fmt"
	"testing"
	"time"

	"moonwatch/engine"
)

func TestPluginData(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		d, ctx, s := b.e.Plugins.PluginData(), b.t.Context(), engine.Scope{Plugin: "probe", Subject: "c1"}
		if _, found, err := d.Get(ctx, s, "k"); found || err != nil {
			t.Fatal(found, err)
		}
		if err := d.Set(ctx, s, "k", []byte(`{"a":1}`), time.Minute); err != nil {
			t.Fatal(err)
		}
		if v, found, _ := d.Get(ctx, s, "k"); !found || string(v) != `{"a":1}` {
			t.Errorf("got %s", v)
		}
		if _, found, _ := d.Get(ctx, engine.Scope{Plugin: "probe"}, "k"); found {
			t.Error("the shared scope sees a check's key")
		}
		time.Sleep(time.Minute)
		if _, found, _ := d.Get(ctx, s, "k"); found {
			t.Error("the key outlived its ttl")
		}
		for range 3 {
			d.Increment(ctx, s, "n", 2)
		}
		if v, _, _ := d.Get(ctx, s, "n"); string(v) != "6" {
			t.Errorf("incremented to %s", v)
		}
		if err := d.Set(ctx, s, "big", make([]byte, 16<<10+1), 0); err == nil {
			t.Error("a value over 16 KiB was taken")
		}
		for i := range 99 {
			if err := d.Set(ctx, s, fmt.Sprint("key", i), []byte("1"), 0); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Set(ctx, s, "one more", []byte("1"), 0); err == nil {
			t.Error("the 101st key was taken")
		}
		if err := d.Delete(ctx, s, "key0"); err != nil {
			t.Fatal(err)
		}
		b.e.Stop()
		b.start()
		if v, _, _ := b.e.Plugins.PluginData().Get(ctx, s, "n"); string(v) != "6" {
			t.Errorf("after a restart %s", v)
		}
	})
}

func TestPluginVersionsAreKept(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		sources, ctx := b.e.Plugins.PluginSources(), b.t.Context()
		for i, text := range []string{"one", "two", "two", "three"} {
			s := engine.PluginSource{Path: "a.lua", Hash: text, Files: map[string]string{"": text}, Slugs: []string{"a"}}
			if err := sources.KeepSource(ctx, s); err != nil {
				t.Fatal(i, err)
			}
			time.Sleep(time.Second)
		}
		versions, err := b.e.Plugins.PluginVersions(ctx, "a.lua")
		if err != nil || len(versions) != 3 || versions[0].Source.Files[""] != "three" || versions[2].Source.Files[""] != "one" {
			t.Errorf("versions %+v %v", versions, err)
		}
		if b.e.Plugins.CanEditPlugins() {
			t.Error("this registry cannot be written")
		}
	})
}
