package monitor_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/config/importer"
	"moonwatch/engine/edit"
	"moonwatch/engine/enginetest"
	"moonwatch/engine/form"
	"moonwatch/engine/oncall"
)

// boundSealer seals so that the text does not show and opens at its place alone.
type boundSealer struct{ enginetest.OpenSealer }

func (boundSealer) Seal(object, field string, plain []byte) (form.Sealed, error) {
	return form.Sealed(base64.StdEncoding.EncodeToString([]byte(object + "|" + field + "|" + string(plain)))), nil
}

func (boundSealer) Open(object, field string, s form.Sealed) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(string(s))
	plain, ok := strings.CutPrefix(string(data), object+"|"+field+"|")
	if err != nil || !ok {
		return nil, errors.New("not sealed for this place")
	}
	return []byte(plain), nil
}

const plainSecret = "tok-51e7-plain"

// secretPlugins are a check and an alert plugin whose fields are secrets, or are not yet.
func (b *bench) secretPlugins(secret bool) {
	widget := ""
	if secret {
		widget = "PasswordInput"
	}
	fields := []form.Field{{Type: form.KeyValue, Name: "headers", Widget: widget}, {Type: form.Char, Name: "note"},
		{Type: form.List, Name: "steps", Fields: []form.Field{{Type: form.Char, Name: "url"}, {Type: form.JSON, Name: "body", Widget: widget}}}}
	probe := &enginetest.Plugin{Info: engine.PluginMeta{Slug: "web", Kind: engine.CheckPlugin, Version: "1", Hash: "w" + widget, Forms: map[engine.FormName]form.Form{
		engine.ConfigForm: {Fields: fields}, engine.SettingsForm: {Fields: fields}}}}
	probe.OnRun = b.run
	hook := &enginetest.Plugin{Info: engine.PluginMeta{Slug: "hook", Kind: engine.AlertPlugin, Version: "1", Hash: "h" + widget, Forms: map[engine.FormName]form.Form{
		engine.ServiceConfigForm: {Fields: fields}, engine.UserConfigForm: {Fields: fields}}}}
	hook.OnAlert = func(ctx context.Context, in *engine.AlertCall) engine.AlertReport { return b.alert(ctx, "hook", in) }
	b.plugins.Put(engine.PluginEntry{Slug: "web", Plugin: probe, File: "web.lua"})
	b.plugins.Put(engine.PluginEntry{Slug: "hook", Plugin: hook, File: "hook.lua"})
}

func plainValues() form.Values {
	return form.Values{"headers": "Authorization: " + plainSecret, "note": "open",
		"steps": []any{map[string]any{"url": "https://a.example", "body": `{"token":"` + plainSecret + `"}`}}}
}

// plainObjects stores objects with plain values, each twice, an incident, and a deleted check.
func (b *bench) plainObjects() map[engine.Kind]string {
	b.t.Helper()
	ctx := b.t.Context()
	c := b.check("web", func(c *engine.Check) { c.Plugin, c.Config = "web", plainValues() })
	c.Tags = []string{"again"}
	c = must[*engine.Check](b.t)(b.e.Checks.SaveCheck(ctx, admin, *c))
	s := engine.NewService()
	s.Name, s.StatusChecks, s.Alerts = "Shop", []string{c.ID}, []engine.AlertChoice{{Plugin: "hook", Settings: plainValues()}}
	service := must[*engine.Service](b.t)(b.e.Targets.SaveService(ctx, admin, s))
	u := engine.NewUser()
	u.Username, u.Settings = "ada", map[string]form.Values{"hook": plainValues()}
	user := must[*engine.User](b.t)(b.e.Users.SaveUser(ctx, admin, u, "", ""))
	i := engine.NewInstance()
	i.Name, i.Alerts = "host", []engine.AlertChoice{{Plugin: "hook", Settings: plainValues()}}
	instance := must[*engine.Instance](b.t)(b.e.Targets.SaveInstance(ctx, admin, i))
	if err := b.e.Site.SavePluginSettings(ctx, admin, "web", plainValues(), nil); err != nil {
		b.t.Fatal(err)
	}
	b.set("web", "ERROR")
	pass(time.Minute)
	b.set("web", "") // its incident and deliveries are over
	pass(time.Minute)
	b.set("web", "ERROR")
	pass(time.Minute)
	return map[engine.Kind]string{engine.KindCheck: c.ID, engine.KindService: service.ID, engine.KindInstance: instance.ID, engine.KindUser: user.ID, engine.KindPluginSettings: "web"}
}

// holdsPlain lists what of the store holds the text in plain.
func holdsPlain(t *testing.T, s engine.Store) (out []string) {
	t.Helper()
	for _, kind := range []engine.Kind{engine.KindCheck, engine.KindService, engine.KindInstance, engine.KindUser, engine.KindPluginSettings,
		engine.KindIncident, engine.KindIncidentEvent, engine.KindDelivery, engine.KindAudit, engine.KindCheckState, engine.KindSubjectState} {
		records, err := dump(t.Context(), s, kind)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			if bytes.Contains(r.Data, []byte(plainSecret)) {
				out = append(out, "record "+string(kind)+": "+string(r.Data))
			}
			list, err := s.Revisions(t.Context(), kind, r.ID)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range list {
				if bytes.Contains(v.Data, []byte(plainSecret)) {
					out = append(out, "revision of "+string(kind))
				}
			}
		}
	}
	return out
}

// TestRotaFeedIsSealed holds that the address of a rota's feed lies nowhere in
// plain, also when an older version stored it so, and that editors, the feed's
// reader, an import and a restart have it all the same.
func TestRotaFeedIsSealed(t *testing.T) {
	t.Run("in memory", func(t *testing.T) { testRotaFeed(t, func(b *bench) sealedStore { return b.store }) })
	t.Run("on Badger", func(t *testing.T) {
		store := newOutside(t, filepath.Join(t.TempDir(), "data"))
		testRotaFeed(t, func(*bench) sealedStore { return store })
	})
}

type sealedStore interface {
	engine.Store
	Apply(context.Context, *engine.Batch) error
}

func testRotaFeed(t *testing.T, store func(*bench) sealedStore) {
	in(t, func(b *bench) {
		t := b.t
		s, ctx := store(b), t.Context()
		feed := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20000101T000000Z\r\nDTEND:20000102T000000Z\r\n" +
			"RRULE:FREQ=DAILY\r\nSUMMARY:ada\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
		var mu sync.Mutex // guards asked and fail
		asked, fail := "", error(nil)
		b.options = func(o *engine.Options) {
			o.Store, o.Sealer = s, boundSealer{}
			o.Fetcher = addressFunc(func(address string) ([]byte, error) {
				mu.Lock()
				defer mu.Unlock()
				if asked = address; fail != nil {
					return nil, fail
				}
				return []byte(feed), nil
			})
		}
		b.start()
		address := "https://example.org/" + plainSecret + ".ics"
		ada := b.user("ada")
		r := engine.NewRota()
		r.Name, r.ICalURL = "Primary", address
		saved := must[*engine.Rota](t)(b.e.Rotas.SaveRota(ctx, admin, r))
		pass(time.Second)
		saved.Name = "First"
		saved = must[*engine.Rota](t)(b.e.Rotas.SaveRota(ctx, admin, *saved))
		id := saved.ID
		wantSealed := func(when string) {
			t.Helper()
			for _, kind := range []engine.Kind{engine.KindRota, engine.KindAudit, engine.KindShifts, engine.KindMark} {
				for _, record := range must[[]engine.Record](t)(dump(ctx, s, kind)) {
					if bytes.Contains(record.Data, []byte(plainSecret)) {
						t.Errorf("%s: %s holds %s", when, kind, record.Data)
					}
				}
			}
			for _, v := range must[[]engine.Revision](t)(s.Revisions(ctx, engine.KindRota, id)) {
				if bytes.Contains(v.Data, []byte(plainSecret)) {
					t.Errorf("%s: revision %d holds %s", when, v.Number, v.Data)
				}
			}
			if v := must[oncall.RotaView](t)(b.e.OnCall.Rota(id)); v.ICalURL != address || v.ICalSealed != "" || saved.ICalURL != address {
				t.Errorf("%s: seen as %q %q", when, v.ICalURL, v.ICalSealed)
			}
			if calls := b.e.OnCall.OnCall(); len(calls) != 1 || calls[0].User != ada.ID || calls[0].Fallback {
				t.Errorf("%s: on call %+v", when, calls)
			}
		}
		wantSealed("saved")
		mu.Lock()
		if asked != address {
			t.Errorf("the feed was read at %q", asked)
		}
		fail = errors.New("cannot reach " + address)
		mu.Unlock()
		doc := must[[]byte](t)(b.e.Config.Export(ctx, importer.ExportOptions{}))
		if report, err := b.e.Config.Import(ctx, admin, doc, importer.ImportOptions{}); err != nil || report.Created+report.Updated > 0 {
			t.Errorf("importing what was exported: %+v %v", report, err)
		}
		b.e.Stop()
		b.start()
		pass(time.Second)
		wantSealed("after a restart without the feed")
		if v := must[oncall.RotaView](t)(b.e.OnCall.Rota(id)); len(v.Problems) == 0 || strings.Contains(v.Problems[0].Message, plainSecret) {
			t.Errorf("problems %+v", v.Problems)
		}
		b.e.Stop()
		old := must[engine.Record](t)(s.Get(ctx, engine.KindRota, id)) // as an older version has it
		var object map[string]any
		if err := json.Unmarshal(old.Data, &object); err != nil {
			t.Fatal(err)
		}
		delete(object, "ical_sealed")
		object["ical_url"] = address
		first := old
		first.Revision, first.Data = 1, must[[]byte](t)(json.Marshal(object))
		old.Data = first.Data
		shifts := must[engine.Record](t)(s.Get(ctx, engine.KindShifts, id))
		shifts.Data = must[[]byte](t)(json.Marshal(map[string]any{"url": address, "data": feed, "read_at": time.Now()}))
		audit := must[[]engine.Record](t)(dump(ctx, s, engine.KindAudit))
		for i := range audit {
			audit[i].Data = bytes.ReplaceAll(audit[i].Data, []byte(`"(secret)"`), []byte(`"`+address+`"`))
		}
		batch := &engine.Batch{ID: "older", At: time.Now(), Puts: append(audit, first, old, shifts)}
		for _, mark := range must[[]engine.Record](t)(dump(ctx, s, engine.KindMark)) {
			if strings.HasPrefix(mark.ID, "sealed/") {
				batch.Deletes = append(batch.Deletes, engine.Key{Kind: engine.KindMark, ID: mark.ID})
			}
		}
		if err := s.Apply(ctx, batch); err != nil {
			t.Fatal(err)
		}
		b.start()
		pass(time.Minute)
		wantSealed("stored by an older version")
		b.e.Stop()
		b.start()
		pass(time.Second)
		wantSealed("and restarted")
	})
}

type addressFunc func(address string) ([]byte, error)

func (f addressFunc) Fetch(_ context.Context, address string, _ int64) ([]byte, error) {
	return f(address)
}

// testSealedLater stores plain values under an older schema, and lets upgrade
// make their fields secrets.
func testSealedLater(t *testing.T, store func(*bench) engine.Store, upgrade func(*bench)) {
	in(t, func(b *bench) {
		t := b.t
		s := store(b)
		b.options = func(o *engine.Options) { o.Store, o.Sealer = s, boundSealer{} }
		b.secretPlugins(false)
		b.start()
		ids := b.plainObjects()
		if len(holdsPlain(t, s)) < 10 {
			t.Fatal("the older schema left little in plain: nothing is tested")
		}
		before := map[engine.Kind][]engine.Revision{}
		for kind, id := range ids {
			before[kind] = must[[]engine.Revision](t)(s.Revisions(t.Context(), kind, id))
		}
		state := must[edit.CheckView](t)(b.e.Checks.Check(ids[engine.KindCheck]))
		upgrade(b)
		pass(time.Minute)
		for _, where := range holdsPlain(t, s) {
			t.Error("still in plain: ", where)
		}
		for kind, id := range ids {
			after := must[[]engine.Revision](t)(s.Revisions(t.Context(), kind, id))
			if len(after) != len(before[kind]) {
				t.Errorf("%s has %d revisions, had %d", kind, len(after), len(before[kind]))
				continue
			}
			for i, r := range after {
				if was := before[kind][i]; r.Number != was.Number || r.Author != was.Author || !r.At.Equal(was.At) {
					t.Errorf("%s: revision %d of %q at %s was %d of %q at %s", kind, r.Number, r.Author, r.At, was.Number, was.Author, was.At)
				}
			}
			var now, stored any
			record := must[engine.Record](t)(s.Get(t.Context(), kind, id))
			if json.Unmarshal(record.Data, &now) != nil || json.Unmarshal(after[0].Data, &stored) != nil || string(record.Data) != string(after[0].Data) {
				t.Errorf("%s: the record is not its newest revision", kind)
			}
		}
		c := must[engine.Check](t)(b.e.Checks.StoredCheck(ids[engine.KindCheck]))
		sealed, _ := c.Config["headers"].(form.Sealed)
		if plain, err := (boundSealer{}).Open(c.ID, "headers", sealed); err != nil || string(plain) != "Authorization: "+plainSecret || c.Config["note"] != "open" {
			t.Errorf("the secret is %q (%v), the values %v", plain, err, c.Config)
		}
		if now := must[edit.CheckView](t)(b.e.Checks.Check(c.ID)); now.Status != state.Status {
			t.Errorf("the check is %s, was %s: it was reset", now.Status, state.Status)
		}
		edit := c
		edit.Tags = nil
		if _, err := b.e.Checks.SaveCheck(t.Context(), admin, edit); err != nil {
			t.Errorf("an edit begun before is refused: %v", err)
		}
	})
}

// TestSealedOnceSecret holds that what was stored before its field became a
// secret is sealed: in objects, revisions, deliveries and the audit log.
func TestSealedOnceSecret(t *testing.T) {
	memory := func(b *bench) engine.Store { return b.store }
	start := func(b *bench) { b.e.Stop(); b.secretPlugins(true); b.start() }
	t.Run("at a start", func(t *testing.T) { testSealedLater(t, memory, start) })
	t.Run("when the plugin is reloaded", func(t *testing.T) { testSealedLater(t, memory, func(b *bench) { b.secretPlugins(true) }) })
	t.Run("on Badger", func(t *testing.T) {
		store := newOutside(t, filepath.Join(t.TempDir(), "data"))
		testSealedLater(t, func(*bench) engine.Store { return store }, start)
	})
}
