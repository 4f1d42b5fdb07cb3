package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"moonwatch/engine/form"
)

// A plugin's new version may make a field a secret that was none. sealLoop
// seals what was stored of it before, in objects and in their revisions.

// sealMost bounds the bytes of revisions that are written in one batch.
const sealMost = 16 << 20

// sealAsk asks for a pass over what a plugin's forms describe. It does not block.
func (e *State) sealAsk(slug string) {
	e.sealMu.Lock()
	defer e.sealMu.Unlock()
	if !slices.Contains(e.sealQueue, slug) {
		e.sealQueue = append(e.sealQueue, slug)
	}
	select {
	case e.sealBell <- struct{}{}:
	default:
	}
}

// sealLoop looks through all plugins' values first, and then through those of
// plugins that change.
func (e *State) sealLoop() {
	for _, entry := range e.plugins.List() {
		e.sealAsk(entry.Slug)
	}
	for {
		select {
		case <-e.sealBell:
		case <-e.work.Done():
			return
		}
		e.sealMu.Lock()
		queue := e.sealQueue
		e.sealQueue = nil
		e.sealMu.Unlock()
		if err := e.sealPlain(e.work, queue); err != nil && !e.isStopping() {
			e.log.Warn("cannot seal all that was stored before its field became a secret: it is tried again at the next start", "error", err)
		}
	}
}

// sealPlain seals the plain secrets of all objects. Their revisions are looked
// through when the secrets of one of the plugins are not those of the last pass,
// which a mark tells.
func (e *State) sealPlain(ctx context.Context, slugs []string) error {
	marks := map[string][]string{}
	for _, slug := range slugs {
		entry, ok := e.pluginEntry(slug)
		if !ok || entry.Plugin == nil {
			continue
		}
		secrets := secretsOf(entry.Plugin.Meta().Forms)
		var before []string
		r, err := e.store.Get(ctx, KindMark, sealedMark(slug))
		if err == nil {
			err = json.Unmarshal(r.Data, &before)
		}
		if err != nil && len(secrets) > 0 || !slices.Equal(before, secrets) {
			marks[slug] = secrets
		}
	}
	c, past := e.configured(), len(marks) > 0
	err := errors.Join(
		sealAll(ctx, e, past, KindCheck, c.checks, func(x *tx) *layer[Check] { return &x.checks }),
		sealAll(ctx, e, past, KindService, c.services, func(x *tx) *layer[Service] { return &x.services }),
		sealAll(ctx, e, past, KindInstance, c.instances, func(x *tx) *layer[Instance] { return &x.instances }),
		sealAll(ctx, e, past, KindUser, c.users, func(x *tx) *layer[User] { return &x.users }),
		sealAll(ctx, e, past, KindPluginSettings, c.plugins, func(x *tx) *layer[PluginSettings] { return &x.plugins }),
		sealAll(ctx, e, past, KindRota, c.rotas, func(x *tx) *layer[Rota] { return &x.rotas }),
		e.sealShifts(ctx),
		e.do(ctx, system, func(x *tx) error { return x.sealTold() }))
	if err == nil && past {
		err = e.sealHistory(ctx)
	}
	if err != nil || !past || len(c.checks)+len(c.instances)+len(c.users)+len(c.plugins) == 0 { // an empty monitor is looked through quickly
		return err
	}
	return e.do(ctx, system, func(x *tx) error {
		for slug, secrets := range marks {
			x.write(KindMark, sealedMark(slug), secrets)
		}
		return nil
	})
}

func sealedMark(slug string) string { return "sealed/" + slug }

func sealAll[T any](ctx context.Context, e *State, past bool, kind Kind, all map[string]*T, of func(*tx) *layer[T]) error {
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
func secretsOf(forms map[FormName]form.Form) []string {
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
func sealObject[T any](ctx context.Context, e *State, past bool, kind Kind, id string, seen *T, of func(*tx) *layer[T]) error {
	for range 3 {
		sealed := copyOf(seen)
		changed, err := e.sealIn(sealed)
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
		err = e.writeSealed(ctx, kind, id, records, func(x *tx) bool {
			if now := of(x).get(id); now != seen {
				seen = now
				return false
			}
			of(x).put(id, sealed)
			seen = sealed
			return true
		})
		if !errors.Is(err, errRetry) {
			return err
		}
		if seen == nil {
			return nil // deleted meanwhile
		}
	}
	return errRetry
}

// sealRevisions gives the revisions that hold a plain secret, sealed, the oldest
// first, and last the newest of all.
func sealRevisions[T any](ctx context.Context, e *State, kind Kind, id string) ([]Record, error) {
	list, err := e.store.Revisions(ctx, kind, id)
	if err != nil {
		return nil, err
	}
	slices.Reverse(list)
	var out []Record
	some := false
	for i, r := range list {
		if r.Deleted {
			continue
		}
		v := new(T)
		if err := json.Unmarshal(r.Data, v); err != nil {
			return nil, fmt.Errorf("read revision %d: %w", r.Number, err)
		}
		changed, err := e.sealIn(v)
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
		out = append(out, Record{Kind: kind, ID: id, Revision: r.Number, Author: r.Author, At: r.At, Data: data})
	}
	if !some {
		return nil, nil
	}
	return out, nil
}

// writeSealed writes revisions anew, the last one being the object as it is.
// current is asked in each step to put the object in memory; false: it is
// another one by now, and errRetry is returned.
func (e *State) writeSealed(ctx context.Context, kind Kind, id string, records []Record, current func(*tx) bool) error {
	for len(records) > 0 {
		last := len(records) - 1
		n, size := 0, len(records[last].Data)
		for n < last && (n == 0 || size+len(records[n].Data) <= sealMost) {
			size += len(records[n].Data)
			n++
		}
		step := append(slices.Clone(records[:n]), records[last])
		err := e.do(ctx, system, func(x *tx) error {
			if !current(x) {
				return errRetry
			}
			x.again[Key{kind, id}] = step
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
func (e *State) sealIn(object any) (changed bool, err error) {
	one := func(slug string, name FormName, id string, v form.Values) form.Values {
		entry, ok := e.pluginEntry(slug)
		if err != nil || !ok || entry.Plugin == nil || len(v) == 0 {
			return v
		}
		out, sealed, bad := entry.Plugin.Meta().Forms[name].SealPlain(v, func(path string, plain []byte) (form.Sealed, error) { return e.o.Sealer.Seal(id, path, plain) })
		if bad != nil {
			err = bad
			return v
		}
		changed = changed || sealed
		return out
	}
	alerts := func(id string, a *Alerting) {
		a.Alerts = slices.Clone(a.Alerts)
		for i := range a.Alerts {
			a.Alerts[i].Settings = one(a.Alerts[i].Plugin, ServiceConfigForm, id, a.Alerts[i].Settings)
		}
	}
	switch o := object.(type) {
	case *Rota:
		changed = o.ICalURL != ""
		err = e.sealRota(o, nil)
	case *Check:
		o.Config = one(o.Plugin, ConfigForm, o.ID, o.Config)
	case *Service:
		alerts(o.ID, &o.Alerting)
	case *Instance:
		alerts(o.ID, &o.Alerting)
	case *User:
		settings := make(map[string]form.Values, len(o.Settings))
		for slug, v := range o.Settings {
			settings[slug] = one(slug, UserConfigForm, o.ID, v)
		}
		if changed {
			o.Settings = settings
		}
	case *PluginSettings:
		o.Values = one(o.ID, SettingsForm, pluginObject(o.ID), o.Values)
	case *Delivery:
		o.Snapshot.Settings = one(o.Plugin, ServiceConfigForm, o.Subject.ID, o.Snapshot.Settings)
	case *Incident:
		told := make(map[string]*Told, len(o.Told))
		for slug, t := range o.Told {
			c := *t
			c.Settings = one(slug, ServiceConfigForm, o.Subject.ID, t.Settings)
			told[slug] = &c
		}
		if changed {
			o.Told = told
		}
	}
	return changed, err
}

// sealTold seals what open incidents and waiting deliveries hold of settings.
func (x *tx) sealTold() error {
	for id, in := range x.incidents.all() {
		c := copyOf(in)
		if changed, err := x.e.sealIn(c); err != nil {
			return err
		} else if changed {
			x.incidents.put(id, c)
		}
	}
	for id, d := range x.deliveries.all() {
		c := d.copy()
		if changed, err := x.e.sealIn(c); err != nil {
			return err
		} else if changed {
			x.deliveries.put(id, c)
		}
	}
	return nil
}
