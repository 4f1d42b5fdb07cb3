package monitor_test

import (
	"bytes"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/config/importer"
	"moonwatch/engine/enginetest"
	"moonwatch/engine/form"
)

func TestStoreThatRefuses(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		web := b.check("web", nil)
		b.service("Shop", []string{"mail"}, web)
		time.Sleep(2 * time.Second)
		var full atomic.Bool
		full.Store(true)
		b.store.SetFail(func(*engine.Batch) error {
			if full.Load() {
				return errDisk
			}
			return nil
		})
		b.set("web", "ERROR")
		time.Sleep(8 * time.Second)
		if err := b.e.Ready(); err != nil {
			t.Errorf("not ready before 10 s: %v", err)
		}
		b.wantHeard()
		time.Sleep(7 * time.Second)
		if b.e.Ready() == nil {
			t.Error("ready though the store refuses")
		}
		b.wantHeard("mail firing") // from memory
		runs := len(b.started("web"))
		b.set("web", "")
		time.Sleep(10 * time.Second)
		b.wantHeard("mail recovery") // as is what follows
		if n := len(b.started("web")) - runs; n != 10 {
			t.Errorf("%d runs in 10 s: checks go on", n)
		}
		if v, _ := b.e.Checks.Check(web.ID); v.Status != engine.CheckPassing {
			t.Errorf("the check is %s", v.Status)
		}
		c := engine.NewCheck()
		c.Name, c.Plugin, c.Config = "new", "probe", form.Values{"target": "x", "password": "hunter22"}
		if _, err := b.e.Checks.SaveCheck(b.t.Context(), admin, c); engine.KindOf(err) != engine.Unavailable {
			t.Errorf("a save while the store refuses: %v", err)
		}
		full.Store(false)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if err := b.e.Ready(); err != nil {
			t.Errorf("still not ready: %v", err)
		}
		d := b.deliveries(engine.DeliverySent)
		if len(d) != 2 || d[0].Durable || d[1].Durable {
			t.Errorf("what was sent from memory is stored, and marked: %+v", d)
		}
		if list := b.incidents(nil); len(list) != 1 || list[0].Closed == nil {
			t.Errorf("incidents %+v", list)
		}
		b.wantStored(web)
		b.e.Stop() // nothing but the disk is left
		n := len(b.started("web"))
		b.start()
		if got := len(b.results(web)); got != n {
			t.Errorf("%d results after a restart, want %d", got, n)
		}
		b.set("web", "ERROR")
		time.Sleep(3 * time.Second)
		b.wantHeard("mail firing")
		for _, d := range b.deliveries(engine.DeliverySent)[:1] {
			if !d.Durable {
				t.Errorf("a delivery after the refusal is marked: %+v", d)
			}
		}
	})
}

// wantStored waits as long as results may wait for company, and wants those of all
// runs until now to be stored.
func (b *bench) wantStored(c *engine.Check) {
	b.t.Helper()
	least := len(b.started(c.Name))
	time.Sleep(150 * time.Millisecond)
	if n, most := len(b.results(c)), len(b.started(c.Name)); n < least || n > most {
		b.t.Errorf("%d results of %d to %d runs were stored in the end", n, least, most)
	}
}

// TestRefusedChangesAreNotKept asks for every sort of change while the store
// refuses: before the monitor has noticed, and after. Each is answered with
// Unavailable, and nothing of it is there: not while the monitor goes on from
// memory, nor when the store is back, nor after a restart. Runs and alerts go on.
func TestRefusedChangesAreNotKept(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		ctx := b.t.Context()
		web := b.check("web", nil)
		shop := b.service("Shop", []string{"mail"}, web)
		ada := b.user("ada")
		secret, session, err := b.e.Sessions.OpenSession(ctx, ada.ID, "", "")
		if err != nil {
			t.Fatal(err)
		}
		scope := engine.Scope{Plugin: "probe", Subject: web.ID}
		if err := b.e.Plugins.PluginData().Set(ctx, scope, "kept", []byte("1"), 0); err != nil {
			t.Fatal(err)
		}
		b.set("web", "ERROR")
		time.Sleep(3 * time.Second)
		b.wantHeard("mail firing")
		before, err := b.e.Config.Export(ctx, importer.ExportOptions{})
		if err != nil {
			t.Fatal(err)
		}
		asked := map[string]func() error{
			"a check": func() error {
				c := engine.NewCheck()
				c.Name, c.Plugin, c.Config = "new", "probe", form.Values{"target": "x", "password": "hunter22"}
				_, err := b.e.Checks.SaveCheck(ctx, admin, c)
				return err
			},
			"a service": func() error {
				s := engine.NewService()
				s.Name = "new"
				_, err := b.e.Targets.SaveService(ctx, admin, s)
				return err
			},
			"a user": func() error {
				u := engine.NewUser()
				u.Username = "bob"
				_, err := b.e.Users.SaveUser(ctx, admin, u, "", "")
				return err
			},
			"settings": func() error {
				s := b.e.Settings()
				s.PauseAlerts = true
				_, err := b.e.Site.SaveSettings(ctx, admin, s)
				return err
			},
			"a deletion": func() error { return b.e.Checks.DeleteCheck(ctx, admin, web.ID, nil) },
			"an acknowledgement": func() error {
				_, err := b.e.Incidents.Acknowledge(ctx, admin, engine.Ref{Kind: engine.KindService, ID: shop.ID}, engine.AckOptions{})
				return err
			},
			"a token": func() error {
				_, _, err := b.e.Tokens.CreateToken(ctx, admin, engine.Token{User: ada.ID, Name: "t"})
				return err
			},
			"a login":           func() error { _, _, err := b.e.Sessions.OpenSession(ctx, ada.ID, "", ""); return err },
			"a logout":          func() error { return b.e.Sessions.CloseSession(ctx, session.ID) },
			"a plugin's value":  func() error { return b.e.Plugins.PluginData().Set(ctx, scope, "lost", []byte("1"), 0) },
			"a plugin's sum":    func() error { _, err := b.e.Plugins.PluginData().Increment(ctx, scope, "kept", 1); return err },
			"a plugin's delete": func() error { return b.e.Plugins.PluginData().Delete(ctx, scope, "kept") },
			"an import": func() error {
				_, err := b.e.Config.Import(ctx, admin, []byte(refusedImport), importer.ImportOptions{})
				return err
			},
		}
		var full atomic.Bool
		full.Store(true)
		b.store.SetFail(func(*engine.Batch) error {
			if full.Load() {
				return errDisk
			}
			return nil
		})
		nothingKept := func(when string) {
			t.Helper()
			after, err := b.e.Config.Export(ctx, importer.ExportOptions{})
			if err != nil || !bytes.Equal(after, before) {
				t.Errorf("%s: the configuration is another one, %v:\n%s", when, err, after)
			}
			if _, _, ok := b.e.Sessions.SessionUser(secret); !ok {
				t.Errorf("%s: the session has ended", when)
			}
			if v, _, _ := b.e.Plugins.PluginData().Get(ctx, scope, "kept"); string(v) != "1" {
				t.Errorf("%s: the plugin's store holds %s", when, v)
			}
			if _, found, _ := b.e.Plugins.PluginData().Get(ctx, scope, "lost"); found {
				t.Errorf("%s: a value is there that was refused", when)
			}
			if v, err := b.e.Targets.Service(shop.ID); err != nil || v.Acknowledgement != nil {
				t.Errorf("%s: the service is acknowledged: %+v %v", when, v, err)
			}
		}
		for _, when := range []string{"before it was noticed", "from memory"} {
			var all sync.WaitGroup
			for what, ask := range asked {
				all.Go(func() {
					if err := ask(); engine.KindOf(err) != engine.Unavailable {
						t.Errorf("%s: %s was answered %v", when, what, err)
					}
				})
			}
			all.Wait()
			nothingKept(when)
		}
		if b.e.Ready() == nil {
			t.Error("ready though the store refuses")
		}
		b.set("web", "")
		time.Sleep(5 * time.Second)
		b.wantHeard("mail recovery")
		full.Store(false)
		time.Sleep(5 * time.Second)
		if err := b.e.Ready(); err != nil {
			t.Errorf("still not ready: %v", err)
		}
		before, _ = b.e.Config.Export(ctx, importer.ExportOptions{})
		nothingKept("when the store is back")
		b.wantStored(web)
		b.e.Stop()
		b.start()
		nothingKept("after a restart")
	})
}

const refusedImport = "moonwatch: 1\nservices:\n  - name: imported\n"

// TestStopWhileTheStoreRefuses answers nobody with what was not written.
func TestStopWhileTheStoreRefuses(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		b.store.SetFail(func(*engine.Batch) error { return errDisk })
		answered := make(chan error, 1)
		go func() {
			s := engine.NewService()
			s.Name = "new"
			_, err := b.e.Targets.SaveService(b.t.Context(), admin, s)
			answered <- err
		}()
		time.Sleep(time.Second)
		b.e.Stop()
		if err := <-answered; engine.KindOf(err) != engine.Unavailable {
			t.Errorf("a change that the store refused was answered %v at the stop", err)
		}
	})
}

// TestPingWhileTheStoreRefuses is known, as what happens outside is, but not
// answered as if it were durable.
func TestPingWhileTheStoreRefuses(t *testing.T) {
	in(t, func(b *bench) {
		b.plugins.Put(engine.PluginEntry{Slug: "beat", File: "beat.lua", Plugin: &enginetest.Plugin{OnRun: b.run,
			Info: engine.PluginMeta{Slug: "beat", Name: "Beat", Kind: engine.CheckPlugin, Version: "1", Hash: "h1", HasPing: true}}})
		b.start()
		c := b.check("job", func(c *engine.Check) { c.Plugin, c.Config = "beat", nil; rarely(c) }) // no slot of its own meanwhile
		time.Sleep(2 * time.Second)
		had := len(b.results(c))
		b.store.SetFail(func(*engine.Batch) error { return errDisk })
		for range 2 {
			if err := b.e.Ping(b.t.Context(), c.PingToken, engine.Ping{Kind: "success"}); engine.KindOf(err) != engine.Unavailable {
				t.Errorf("a ping that is not durable was answered %v", err)
			}
		}
		b.store.SetFail(nil)
		time.Sleep(3 * time.Second)
		if err := b.e.Ping(b.t.Context(), c.PingToken, engine.Ping{Kind: "success"}); err != nil {
			t.Errorf("a ping when the store is back: %v", err)
		}
		if got := len(b.results(c)) - had; got != 3 {
			t.Errorf("%d results of 3 pings are stored in the end", got)
		}
	})
}
