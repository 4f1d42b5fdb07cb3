package engine

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"
)

// pluginData is the plugins' key-value store, a record for each key. Writes pass
// the keeper as absolute puts, and an increment reads inside the keeper, so that
// it is atomic.
type pluginData struct {
	e  *State
	mu sync.Mutex // guards all below
	// cache holds scopes that were touched, as they are on the disk; what they
	// hold is never changed, but replaced.
	cache  map[string]*scopeData
	cached int // bytes, about
	// budgets are what each plugin may write still, by slug.
	budgets map[string]*writeBudget
}

type scopeData struct {
	scope  Scope
	values map[string]dataValue
	size   int  // bytes, about
	legacy bool // the values lie in one record still, as older versions kept them
}

type dataValue struct {
	Key     string          `json:"key,omitempty"` // not in records of a whole scope
	Value   json.RawMessage `json:"value"`
	Expires *time.Time      `json:"expires,omitempty"`
}

const (
	dataValueMost = 16 << 10
	dataKeysMost  = 100
	dataKeyMost   = 200
	dataCacheMost = 32 << 20 // bytes

	dataRate  = 512 << 10 // bytes a second that the checks or alerts of one plugin may write together
	dataBurst = 8 << 20   // bytes that it may write at once after a rest
	dataCost  = 200       // bytes that a write costs beside its value, about
)

// errDataBudget is fit to show to the plugin's author.
var errDataBudget = errors.New("the plugin writes too much: its store takes 512 KiB a second from all its runs together, and 8 MiB at once")

// writeBudget is a bucket of bytes that fills with time.
type writeBudget struct {
	left float64
	at   time.Time
}

// take takes n bytes, if they are there.
func (b *writeBudget) take(n int, now time.Time) bool {
	b.left = min(b.left+max(now.Sub(b.at).Seconds(), 0)*dataRate, dataBurst)
	b.at = now
	if b.left < float64(n) {
		return false
	}
	b.left -= float64(n)
	return true
}

func newPluginData(e *State) *pluginData {
	return &pluginData{e: e, cache: map[string]*scopeData{}, budgets: map[string]*writeBudget{}}
}

// PluginData is the store that plugins read and write.
func (e *Engine) PluginData() PluginData { return e.data }

func (s Scope) id() string { return s.Plugin + "/" + s.Subject }

// keyID is the id of the record of a key.
func (s Scope) keyID(key string) string {
	return s.id() + "/" + base64.RawURLEncoding.EncodeToString([]byte(key))
}

// scope returns a scope's values, reading them from the store the first time.
// The lock is held.
func (p *pluginData) scope(ctx context.Context, s Scope) (*scopeData, error) {
	if d := p.cache[s.id()]; d != nil {
		return d, nil
	}
	d := &scopeData{scope: s, values: map[string]dataValue{}}
	if err := d.read(ctx, p.e.store); err != nil {
		return nil, fmt.Errorf("read the plugin's store: %w", err)
	}
	p.keep(d)
	return d, nil
}

func (d *scopeData) read(ctx context.Context, store Store) error {
	switch r, err := store.Get(ctx, KindPluginData, d.scope.id()); {
	case err == nil:
		d.legacy = true
		if err := json.Unmarshal(r.Data, &d.values); err != nil {
			return err
		}
		for key, v := range d.values {
			v.Key = key
			d.values[key] = v
			d.size += len(key) + len(v.Value) + dataCost
		}
	case !errors.Is(err, ErrNotFound):
		return err
	}
	prefix := d.scope.id() + "/"
	var bad error
	err := store.Scan(ctx, KindPluginData, Query{After: prefix}, func(r Record) bool {
		if !strings.HasPrefix(r.ID, prefix) {
			return false
		}
		var v dataValue
		if bad = json.Unmarshal(r.Data, &v); bad != nil {
			return false
		}
		d.values[v.Key] = v
		d.size += len(v.Key) + len(v.Value) + dataCost
		return true
	})
	return errors.Join(err, bad)
}

// keep puts a scope into the cache. The lock is held.
func (p *pluginData) keep(d *scopeData) {
	if old := p.cache[d.scope.id()]; old != nil {
		p.cached -= old.size
	}
	if p.cached+d.size > dataCacheMost {
		clear(p.cache)
		p.cached = 0
	}
	p.cached += d.size
	p.cache[d.scope.id()] = d
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
	return p.change(ctx, s, len(value), func(c *dataChange) error {
		v := dataValue{Value: append([]byte(nil), value...)}
		if ttl > 0 {
			at := c.x.now.Add(ttl)
			v.Expires = &at
		}
		return c.put(key, v)
	})
}

// Increment adds to a number and returns the sum; a missing key counts as 0.
func (p *pluginData) Increment(ctx context.Context, s Scope, key string, by float64) (sum float64, err error) {
	err = p.change(ctx, s, 0, func(c *dataChange) error {
		sum = 0
		v := dataValue{}
		if old, ok := c.d.live(key, c.x.now); ok {
			if err := json.Unmarshal(old, &sum); err != nil {
				return errors.New("the value is not a number")
			}
			v.Expires = c.d.values[key].Expires
		}
		sum += by
		if v.Value, err = json.Marshal(sum); err != nil {
			return errors.New("the sum is not a finite number")
		}
		return c.put(key, v)
	})
	return sum, err
}

// Delete removes a key; one that is not there is no error.
func (p *pluginData) Delete(ctx context.Context, s Scope, key string) error {
	return p.change(ctx, s, 0, func(c *dataChange) error {
		c.drop(key)
		return nil
	})
}

// dataChange changes a copy of a scope, and notes what that comes to in records.
type dataChange struct {
	x *tx
	d *scopeData
}

func (c *dataChange) put(key string, v dataValue) error {
	if key == "" || len(key) > dataKeyMost {
		return fmt.Errorf("a key has 1 to %d bytes", dataKeyMost)
	}
	if _, ok := c.d.values[key]; !ok {
		for k := range c.d.values {
			if _, live := c.d.live(k, c.x.now); !live {
				c.drop(k)
			}
		}
		if len(c.d.values) >= dataKeysMost {
			return fmt.Errorf("the store is full: it holds %d keys", dataKeysMost)
		}
	}
	c.write(key, v)
	return nil
}

func (c *dataChange) write(key string, v dataValue) {
	v.Key = key
	c.d.size += len(key) + len(v.Value) + dataCost
	if old, ok := c.d.values[key]; ok {
		c.d.size -= len(key) + len(old.Value) + dataCost
	}
	c.d.values[key] = v
	c.x.write(KindPluginData, c.d.scope.keyID(key), v)
}

func (c *dataChange) drop(key string) {
	if old, ok := c.d.values[key]; ok {
		c.d.size -= len(key) + len(old.Value) + dataCost
		delete(c.d.values, key)
		c.x.erase(KindPluginData, c.d.scope.keyID(key))
	}
}

// change applies fn to a copy of the scope inside the keeper, and makes it
// durable. size is what it writes beside the cost of each write, in bytes.
func (p *pluginData) change(ctx context.Context, s Scope, size int, fn func(*dataChange) error) error {
	if !p.afford(s.Plugin, size+dataCost) {
		return errDataBudget
	}
	return p.e.do(ctx, system, func(x *tx) error {
		d, err := p.under(ctx, x, s)
		if err != nil {
			return err
		}
		c := &dataChange{x, &scopeData{scope: s, size: d.size, values: make(map[string]dataValue, len(d.values)+1)}}
		maps.Copy(c.d.values, d.values)
		if d.legacy {
			x.erase(KindPluginData, s.id())
			for key, v := range d.values {
				c.write(key, v)
			}
		}
		if err := fn(c); err != nil {
			return err
		}
		x.note(scopeNote+s.id(), c.d)
		x.whenVisible(func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.keep(c.d)
		})
		return nil
	})
}

func (p *pluginData) afford(plugin string, n int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.e.now()
	b := p.budgets[plugin]
	if b == nil {
		b = &writeBudget{left: dataBurst, at: now}
		p.budgets[plugin] = b
	}
	return b.take(n, now)
}

// scopeNote begins the notes on scopes in a transaction.
const scopeNote = "data/"

// under returns a scope as it is with the changes under way.
func (p *pluginData) under(ctx context.Context, x *tx, s Scope) (*scopeData, error) {
	if d, ok := x.noted(scopeNote + s.id()).(*scopeData); ok {
		return d, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.scope(ctx, s)
}

// deleteCheck erases what a check has stored, with the check.
func (p *pluginData) deleteCheck(ctx context.Context, x *tx, c *Check) error {
	x.whenDurable(func() { p.forget(c.ID) })
	return p.erase(ctx, x, Scope{c.Plugin, c.ID})
}

// erase erases all that is stored in a scope.
func (p *pluginData) erase(ctx context.Context, x *tx, s Scope) error {
	d, err := p.under(ctx, x, s)
	if err != nil {
		return err
	}
	x.erase(KindPluginData, s.id())
	for key := range d.values {
		x.erase(KindPluginData, s.keyID(key))
	}
	return nil
}

// PluginSources keeps the last good sources of plugins in the store.
func (e *Engine) PluginSources() PluginSources { return pluginSources{e} }

type pluginSources struct{ e *Engine }

// KeepSource stores a source; it blocks on the disk.
func (p pluginSources) KeepSource(ctx context.Context, s PluginSource) error {
	return p.e.goOn(ctx, func(x *tx) error {
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
	return p.e.goOn(ctx, func(x *tx) error {
		x.erase(KindPluginSource, path)
		return nil
	})
}

// forget drops what is cached of a deleted check.
func (p *pluginData) forget(subject string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, d := range p.cache {
		if d.scope.Subject == subject {
			p.cached -= d.size
			delete(p.cache, id)
		}
	}
}
