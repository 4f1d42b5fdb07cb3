package edit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/engine/oncall"
	"moonwatch/engine/state"
)

// A plugin's new version may make a field a secret that was none. SealLoop
// seals what was stored of it before, in objects and in their revisions.

// maxSeal bounds the bytes of revisions that are written in one batch.
const maxSeal = 16 << 20

// SealAsk asks for a pass over what a plugin's forms describe. It does not block.
func SealAsk(e *state.State, slug string) {
	e.SealMu.Lock()
	defer e.SealMu.Unlock()
	if !slices.Contains(e.SealQueue, slug) {
		e.SealQueue = append(e.SealQueue, slug)
	}
	select {
	case e.SealBell <- struct{}{}:
	default:
	}
}

// SealLoop looks through all plugins' values first, and then through those of
// plugins that change.
func SealLoop(e *state.State) {
	for _, entry := range e.Registry.List() {
		SealAsk(e, entry.Slug)
	}
	for {
		select {
		case <-e.SealBell:
		case <-e.Work.Done():
			return
		}
		e.SealMu.Lock()
		queue := e.SealQueue
		e.SealQueue = nil
		e.SealMu.Unlock()
		if err := sealPlain(e, e.Work, queue); err != nil && !e.Stopping() {
			e.Log.Warn("cannot seal all that was stored before its field became a secret: it is tried again at the next start", "error", err)
		}
	}
}

// sealPlain seals the plain secrets of all objects. Their revisions are looked
// through when the secrets of one of the plugins are not those of the last pass,
// which a mark tells.
func sealPlain(e *state.State, ctx context.Context, slugs []string) error {
	marks := map[string][]string{}
	for _, slug := range slugs {
		entry, ok := e.PluginEntry(slug)
		if !ok || entry.Plugin == nil {
			continue
		}
		secrets := secretsOf(entry.Plugin.Meta().Forms)
		var before []string
		r, err := e.Store.Get(ctx, engine.KindMark, sealedMark(slug))
		if err == nil {
			err = json.Unmarshal(r.Data, &before)
		}
		if err != nil && len(secrets) > 0 || !slices.Equal(before, secrets) {
			marks[slug] = secrets
		}
	}
	c, past := e.Configured(), len(marks) > 0
	err := errors.Join(
		sealAll(ctx, e, past, engine.KindCheck, c.Checks, func(x *state.Tx) *state.Layer[engine.Check] { return &x.Checks }),
		sealAll(ctx, e, past, engine.KindService, c.Services, func(x *state.Tx) *state.Layer[engine.Service] { return &x.Services }),
		sealAll(ctx, e, past, engine.KindInstance, c.Instances, func(x *state.Tx) *state.Layer[engine.Instance] { return &x.Instances }),
		sealAll(ctx, e, past, engine.KindUser, c.Users, func(x *state.Tx) *state.Layer[engine.User] { return &x.Users }),
		sealAll(ctx, e, past, engine.KindPluginSettings, c.Plugins, func(x *state.Tx) *state.Layer[engine.PluginSettings] { return &x.Plugins }),
		sealAll(ctx, e, past, engine.KindRota, c.Rotas, func(x *state.Tx) *state.Layer[engine.Rota] { return &x.Rotas }),
		oncall.SealShifts(e, ctx),
		e.Submit(ctx, engine.System, func(x *state.Tx) error { return sealNotified(x) }))
	if err == nil && past {
		err = sealHistory(e, ctx)
	}
	if err != nil || !past || len(c.Checks)+len(c.Instances)+len(c.Users)+len(c.Plugins) == 0 { // an empty monitor is looked through quickly
		return err
	}
	return e.Submit(ctx, engine.System, func(x *state.Tx) error {
		for slug, secrets := range marks {
			x.Write(engine.KindMark, sealedMark(slug), secrets)
		}
		return nil
	})
}

func sealedMark(slug string) string { return "sealed/" + slug }

func sealAll[T any](ctx context.Context, e *state.State, past bool, kind engine.Kind, all map[string]*T, of func(*state.Tx) *state.Layer[T]) error {
	var errs []error
	for id, v := range all {
		if err := sealObject(ctx, e, past, kind, id, v, of); err != nil {
			errs = append(errs, fmt.Errorf("%s %s: %w", kind, id, err))
		}
		if ctx.Err() != nil || len(errs) == 10 {
			break
		}
	}
	return errors.Join(errs...)
}

// secretsOf lists the secret fields of a plugin's forms, in order.
func secretsOf(forms map[engine.FormName]form.Form) []string {
	out := []string{}
	var below func(at string, fields []form.Field)
	below = func(at string, fields []form.Field) {
		for i := range fields {
			name := at + "." + fields[i].Name
			if fields[i].Secret() {
				out = append(out, name)
			}
			below(name, fields[i].Fields)
		}
	}
	for name, f := range forms {
		below(string(name), f.Fields)
	}
	slices.Sort(out)
	return out
}

// sealObject seals the plain secrets of an object; past: those of its revisions,
// too. Each revision keeps its number, author and time, for nothing was edited.
func sealObject[T any](ctx context.Context, e *state.State, past bool, kind engine.Kind, id string, seen *T, of func(*state.Tx) *state.Layer[T]) error {
	for range 3 {
		sealed := engine.CopyOf(seen)
		changed, err := sealIn(e, sealed)
		if err != nil {
			return err
		}
		if !changed && !past {
			return nil
		}
		records, err := sealRevisions[T](ctx, e, kind, id)
		if err != nil {
			return err
		}
		if n := len(records); n > 0 { // in memory is what a start would load
			sealed = new(T)
			if err := json.Unmarshal(records[n-1].Data, sealed); err != nil {
				return err
			}
		}
		err = writeSealed(e, ctx, kind, id, records, func(x *state.Tx) bool {
			if now := of(x).Get(id); now != seen {
				seen = now
				return false
			}
			of(x).Put(id, sealed)
			seen = sealed
			return true
		})
		if !errors.Is(err, state.ErrRetry) {
			return err
		}
		if seen == nil {
			return nil // deleted meanwhile
		}
	}
	return state.ErrRetry
}

// sealRevisions gives the revisions that hold a plain secret, sealed, the oldest
// first, and last the newest of all.
func sealRevisions[T any](ctx context.Context, e *state.State, kind engine.Kind, id string) ([]engine.Record, error) {
	list, err := e.Store.Revisions(ctx, kind, id)
	if err != nil {
		return nil, err
	}
	slices.Reverse(list)
	var out []engine.Record
	some := false
	for i, r := range list {
		if r.Deleted {
			continue
		}
		v := new(T)
		if err := json.Unmarshal(r.Data, v); err != nil {
			return nil, fmt.Errorf("read revision %d: %w", r.Number, err)
		}
		changed, err := sealIn(e, v)
		if err != nil {
			return nil, err
		}
		some = some || changed
		if !changed && i < len(list)-1 {
			continue
		}
		data := r.Data
		if changed {
			if data, err = json.Marshal(v); err != nil {
				return nil, err
			}
		}
		out = append(out, engine.Record{Kind: kind, ID: id, Revision: r.Number, Author: r.Author, At: r.At, Data: data})
	}
	if !some {
		return nil, nil
	}
	return out, nil
}

// writeSealed writes revisions anew, the last one being the object as it is.
// current is asked in each step to put the object in memory; false: it is
// another one by now, and state.ErrRetry is returned.
func writeSealed(e *state.State, ctx context.Context, kind engine.Kind, id string, records []engine.Record, current func(*state.Tx) bool) error {
	for len(records) > 0 {
		last := len(records) - 1
		n, size := 0, len(records[last].Data)
		for n < last && (n == 0 || size+len(records[n].Data) <= maxSeal) {
			size += len(records[n].Data)
			n++
		}
		step := append(slices.Clone(records[:n]), records[last])
		err := e.Submit(ctx, engine.System, func(x *state.Tx) error {
			if !current(x) {
				return state.ErrRetry
			}
			x.Again[engine.Key{Kind: kind, ID: id}] = step
			return nil
		})
		if err != nil || n == last {
			return err
		}
		records = records[n:]
	}
	return nil
}

// sealIn seals the plain secrets of an object, replacing what it holds of them.
func sealIn(e *state.State, object any) (changed bool, err error) {
	one := func(slug string, name engine.FormName, id string, v form.Values) form.Values {
		entry, ok := e.PluginEntry(slug)
		if err != nil || !ok || entry.Plugin == nil || len(v) == 0 {
			return v
		}
		out, sealed, bad := entry.Plugin.Meta().Forms[name].SealPlain(v, func(path string, plain []byte) (form.Sealed, error) { return e.Options.Sealer.Seal(id, path, plain) })
		if bad != nil {
			err = bad
			return v
		}
		changed = changed || sealed
		return out
	}
	alerts := func(id string, a *engine.Alerting) {
		a.Alerts = slices.Clone(a.Alerts)
		for i := range a.Alerts {
			a.Alerts[i].Settings = one(a.Alerts[i].Plugin, engine.ServiceConfigForm, id, a.Alerts[i].Settings)
		}
	}
	switch o := object.(type) {
	case *engine.Rota:
		changed = o.ICalURL != ""
		err = e.FeedAddresses.Seal(o, nil)
	case *engine.Check:
		o.Config = one(o.Plugin, engine.ConfigForm, o.ID, o.Config)
	case *engine.Service:
		alerts(o.ID, &o.Alerting)
	case *engine.Instance:
		alerts(o.ID, &o.Alerting)
	case *engine.User:
		settings := make(map[string]form.Values, len(o.Settings))
		for slug, v := range o.Settings {
			settings[slug] = one(slug, engine.UserConfigForm, o.ID, v)
		}
		if changed {
			o.Settings = settings
		}
	case *engine.PluginSettings:
		o.Values = one(o.ID, engine.SettingsForm, PluginObject(o.ID), o.Values)
	case *engine.Delivery:
		o.Snapshot.Settings = one(o.Plugin, engine.ServiceConfigForm, o.Subject.ID, o.Snapshot.Settings)
	case *engine.Incident:
		notified := make(map[string]*engine.Notified, len(o.Notified))
		for slug, t := range o.Notified {
			c := *t
			c.Settings = one(slug, engine.ServiceConfigForm, o.Subject.ID, t.Settings)
			notified[slug] = &c
		}
		if changed {
			o.Notified = notified
		}
	}
	return changed, err
}

// sealNotified seals what open incidents and waiting deliveries hold of settings.
func sealNotified(x *state.Tx) error {
	for id, in := range x.Incidents.All() {
		c := engine.CopyOf(in)
		if changed, err := sealIn(x.State, c); err != nil {
			return err
		} else if changed {
			x.Incidents.Put(id, c)
		}
	}
	for id, d := range x.Deliveries.All() {
		c := d.Copy()
		if changed, err := sealIn(x.State, c); err != nil {
			return err
		} else if changed {
			x.Deliveries.Put(id, c)
		}
	}
	return nil
}
