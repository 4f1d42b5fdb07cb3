package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// pluginData is the plugins' key-value store. Values are read from the store;
// writes pass the keeper as absolute puts, and an increment reads inside the
// keeper, so that it is atomic.
type pluginData struct {
	e  *Engine
	mu sync.Mutex
	// cache holds scopes that were touched: the keeper's view, ahead of nothing.
	cache map[string]*scopeData
}

type scopeData struct {
	values map[string]dataValue
}

type dataValue struct {
	Value   json.RawMessage `json:"value"`
	Expires *time.Time      `json:"expires,omitempty"`
}

const (
	dataValueMost = 16 << 10
	dataKeysMost  = 100
	dataKeyMost   = 200
	dataCacheMost = 20_000
)

func newPluginData(e *Engine) *pluginData {
	return &pluginData{e: e, cache: map[string]*scopeData{}}
}

// PluginData is the store that plugins read and write.
func (e *Engine) PluginData() PluginData { return e.data }

func (s Scope) id() string { return s.Plugin + "/" + s.Subject }

// scope returns a scope's values, reading them from the store the first time.
// The lock is held.
func (p *pluginData) scope(ctx context.Context, s Scope) (*scopeData, error) {
	if d := p.cache[s.id()]; d != nil {
		return d, nil
	}
	d := &scopeData{values: map[string]dataValue{}}
	r, err := p.e.store.Get(ctx, KindPluginData, s.id())
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("read the plugin's store: %w", err)
	}
	if err == nil {
		if err := json.Unmarshal(r.Data, &d.values); err != nil {
			return nil, fmt.Errorf("read the plugin's store: %w", err)
		}
	}
	if len(p.cache) >= dataCacheMost {
		clear(p.cache)
	}
	p.cache[s.id()] = d
	return d, nil
}

// Get returns the JSON under a key.
func (p *pluginData) Get(ctx context.Context, s Scope, key string) ([]byte, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d, err := p.scope(ctx, s)
	if err != nil {
		return nil, false, err
	}
	v, ok := d.live(key, p.e.now())
	return v, ok, nil
}

func (d *scopeData) live(key string, now time.Time) (json.RawMessage, bool) {
	v, ok := d.values[key]
	if !ok || v.Expires != nil && !now.Before(*v.Expires) {
		return nil, false
	}
	return v.Value, true
}

// Set stores JSON under a key; it blocks on the disk.
func (p *pluginData) Set(ctx context.Context, s Scope, key string, value []byte, ttl time.Duration) error {
	if len(value) > dataValueMost {
		return fmt.Errorf("a value may hold 16 KiB of JSON, this one has %d bytes", len(value))
	}
	return p.change(ctx, s, func(d *scopeData, now time.Time) error {
		v := dataValue{Value: append([]byte(nil), value...)}
		if ttl > 0 {
			at := now.Add(ttl)
			v.Expires = &at
		}
		return d.put(key, v, now)
	})
}

// Increment adds to a number and returns the sum; a missing key counts as 0.
func (p *pluginData) Increment(ctx context.Context, s Scope, key string, by float64) (sum float64, err error) {
	err = p.change(ctx, s, func(d *scopeData, now time.Time) error {
		sum = 0
		v := dataValue{}
		if old, ok := d.live(key, now); ok {
			if err := json.Unmarshal(old, &sum); err != nil {
				return errors.New("the value is not a number")
			}
			v.Expires = d.values[key].Expires
		}
		sum += by
		if v.Value, err = json.Marshal(sum); err != nil {
			return errors.New("the sum is not a finite number")
		}
		return d.put(key, v, now)
	})
	return sum, err
}

// Delete removes a key; one that is not there is no error.
func (p *pluginData) Delete(ctx context.Context, s Scope, key string) error {
	return p.change(ctx, s, func(d *scopeData, now time.Time) error {
		delete(d.values, key)
		return nil
	})
}

func (d *scopeData) put(key string, v dataValue, now time.Time) error {
	if key == "" || len(key) > dataKeyMost {
		return fmt.Errorf("a key has 1 to %d bytes", dataKeyMost)
	}
	if _, ok := d.values[key]; !ok {
		for k := range d.values {
			if _, live := d.live(k, now); !live {
				delete(d.values, k)
			}
		}
		if len(d.values) >= dataKeysMost {
			return fmt.Errorf("the store is full: it holds %d keys", dataKeysMost)
		}
	}
	d.values[key] = v
	return nil
}

// change applies fn to a copy of the scope inside the keeper, and makes it durable.
func (p *pluginData) change(ctx context.Context, s Scope, fn func(*scopeData, time.Time) error) error {
	return p.e.do(ctx, system, func(x *tx) error {
		p.mu.Lock()
		defer p.mu.Unlock()
		d, err := p.scope(ctx, s)
		if err != nil {
			return err
		}
		next := &scopeData{values: make(map[string]dataValue, len(d.values)+1)}
		for k, v := range d.values {
			next.values[k] = v
		}
		if err := fn(next, x.now); err != nil {
			return err
		}
		p.cache[s.id()] = next
		x.write(KindPluginData, s.id(), next.values)
		return nil
	})
}

// PluginSources keeps the last good sources of plugins in the store.
func (e *Engine) PluginSources() PluginSources { return pluginSources{e} }

type pluginSources struct{ e *Engine }

// KeepSource stores a source; it blocks on the disk.
func (p pluginSources) KeepSource(ctx context.Context, s PluginSource) error {
	return p.e.do(ctx, system, func(x *tx) error {
		x.write(KindPluginSource, s.Path, s)
		if !s.Gone {
			p.e.keepVersion(ctx, x, s)
		}
		return nil
	})
}

// KeptSources returns all kept sources in order of path.
func (p pluginSources) KeptSources(ctx context.Context) ([]PluginSource, error) {
	var out []PluginSource
	var bad error
	err := p.e.store.Scan(ctx, KindPluginSource, Query{}, func(r Record) bool {
		var s PluginSource
		if bad = json.Unmarshal(r.Data, &s); bad != nil {
			return false
		}
		out = append(out, s)
		return true
	})
	return out, errors.Join(err, bad)
}

// DropSource forgets a source; one that is not kept is no error.
func (p pluginSources) DropSource(ctx context.Context, path string) error {
	return p.e.do(ctx, system, func(x *tx) error {
		x.erase(KindPluginSource, path)
		return nil
	})
}

// forget drops what is cached of a deleted check.
func (p *pluginData) forget(subject string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id := range p.cache {
		if strings.HasSuffix(id, "/"+subject) {
			delete(p.cache, id)
		}
	}
}
