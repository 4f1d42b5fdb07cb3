package plugindata

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/state"
)

// Data is the plugins' key-value store, a record for each key. Writes pass
// the writer as absolute puts, and an increment reads inside the writer, so that
// it is atomic.
type Data struct {
	s  *state.State
	mu sync.Mutex // guards all below
	// cache holds scopes that were touched, as they are on the disk; what they
	// hold is never changed, but replaced.
	cache  map[string]*scopeData
	cached int // bytes, about
	// budgets are what each plugin may write still, by slug.
	budgets map[string]*writeBudget
}

type scopeData struct {
	scope  engine.Scope
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
	maxDataValue = 16 << 10
	maxDataKeys  = 100
	maxDataKey   = 200
	maxDataCache = 32 << 20 // bytes

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

// New returns the data that a state's store holds; it reads nothing yet.
func New(s *state.State) *Data {
	return &Data{s: s, cache: map[string]*scopeData{}, budgets: map[string]*writeBudget{}}
}

func id(s engine.Scope) string { return s.Plugin + "/" + s.Subject }

// keyID is the id of the record of a key.
func keyID(s engine.Scope, key string) string {
	return id(s) + "/" + base64.RawURLEncoding.EncodeToString([]byte(key))
}

// scope returns a scope's values, reading them from the store the first time.
// The lock is held.
func (p *Data) scope(ctx context.Context, s engine.Scope) (*scopeData, error) {
	if d := p.cache[id(s)]; d != nil {
		return d, nil
	}
	d := &scopeData{scope: s, values: map[string]dataValue{}}
	if err := d.read(ctx, p.s.Store); err != nil {
		return nil, fmt.Errorf("read the plugin's store: %w", err)
	}
	p.keep(d)
	return d, nil
}

func (d *scopeData) read(ctx context.Context, store engine.Store) error {
	switch r, err := store.Get(ctx, engine.KindPluginData, id(d.scope)); {
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
	case !errors.Is(err, engine.ErrNotFound):
		return err
	}
	prefix := id(d.scope) + "/"
	for v, err := range state.Scan[dataValue](ctx, store, engine.KindPluginData, engine.Query{Prefix: prefix}) {
		if err != nil {
			return err
		}
		d.values[v.Key] = *v
		d.size += len(v.Key) + len(v.Value) + dataCost
	}
	return nil
}

// keep puts a scope into the cache. The lock is held.
func (p *Data) keep(d *scopeData) {
	if old := p.cache[id(d.scope)]; old != nil {
		p.cached -= old.size
	}
	if p.cached+d.size > maxDataCache {
		clear(p.cache)
		p.cached = 0
	}
	p.cached += d.size
	p.cache[id(d.scope)] = d
}

// Get returns the JSON under a key.
func (p *Data) Get(ctx context.Context, s engine.Scope, key string) ([]byte, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d, err := p.scope(ctx, s)
	if err != nil {
		return nil, false, err
	}
	v, ok := d.live(key, p.s.Now())
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
func (p *Data) Set(ctx context.Context, s engine.Scope, key string, value []byte, ttl time.Duration) error {
	if len(value) > maxDataValue {
		return fmt.Errorf("a value may hold 16 KiB of JSON, this one has %d bytes", len(value))
	}
	return p.change(ctx, s, len(value), func(c *dataChange) error {
		v := dataValue{Value: append([]byte(nil), value...)}
		if ttl > 0 {
			at := c.x.Now.Add(ttl)
			v.Expires = &at
		}
		return c.put(key, v)
	})
}

// Increment adds to a number and returns the sum; a missing key counts as 0.
func (p *Data) Increment(ctx context.Context, s engine.Scope, key string, by float64) (sum float64, err error) {
	err = p.change(ctx, s, 0, func(c *dataChange) error {
		sum = 0
		v := dataValue{}
		if old, ok := c.d.live(key, c.x.Now); ok {
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
func (p *Data) Delete(ctx context.Context, s engine.Scope, key string) error {
	return p.change(ctx, s, 0, func(c *dataChange) error {
		c.drop(key)
		return nil
	})
}

// dataChange changes a copy of a scope, and notes what that comes to in records.
type dataChange struct {
	x *state.Tx
	d *scopeData
}

func (c *dataChange) put(key string, v dataValue) error {
	if key == "" || len(key) > maxDataKey {
		return fmt.Errorf("a key has 1 to %d bytes", maxDataKey)
	}
	if _, ok := c.d.values[key]; !ok {
		for k := range c.d.values {
			if _, live := c.d.live(k, c.x.Now); !live {
				c.drop(k)
			}
		}
		if len(c.d.values) >= maxDataKeys {
			return fmt.Errorf("the store is full: it holds %d keys", maxDataKeys)
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
	c.x.Write(engine.KindPluginData, keyID(c.d.scope, key), v)
}

func (c *dataChange) drop(key string) {
	if old, ok := c.d.values[key]; ok {
		c.d.size -= len(key) + len(old.Value) + dataCost
		delete(c.d.values, key)
		c.x.Erase(engine.KindPluginData, keyID(c.d.scope, key))
	}
}

// change applies fn to a copy of the scope inside the writer, and makes it
// durable. size is what it writes beside the cost of each write, in bytes.
func (p *Data) change(ctx context.Context, s engine.Scope, size int, fn func(*dataChange) error) error {
	if !p.afford(s.Plugin, size+dataCost) {
		return errDataBudget
	}
	return p.s.Submit(ctx, engine.System, func(x *state.Tx) error {
		d, err := p.under(ctx, x, s)
		if err != nil {
			return err
		}
		c := &dataChange{x, &scopeData{scope: s, size: d.size, values: make(map[string]dataValue, len(d.values)+1)}}
		maps.Copy(c.d.values, d.values)
		if d.legacy {
			x.Erase(engine.KindPluginData, id(s))
			for key, v := range d.values {
				c.write(key, v)
			}
		}
		if err := fn(c); err != nil {
			return err
		}
		x.SetLocal(scopeNote+id(s), c.d)
		x.WhenVisible(func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.keep(c.d)
		})
		return nil
	})
}

func (p *Data) afford(plugin string, n int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.s.Now()
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
func (p *Data) under(ctx context.Context, x *state.Tx, s engine.Scope) (*scopeData, error) {
	if d, ok := x.Local(scopeNote + id(s)).(*scopeData); ok {
		return d, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.scope(ctx, s)
}

// DeleteCheck erases what a check has stored, with the check, in its transaction.
func (p *Data) DeleteCheck(ctx context.Context, x *state.Tx, c *engine.Check) error {
	x.WhenDurable(func() { p.Forget(c.ID) })
	return p.erase(ctx, x, engine.Scope{Plugin: c.Plugin, Subject: c.ID})
}

// erase erases all that is stored in a scope.
func (p *Data) erase(ctx context.Context, x *state.Tx, s engine.Scope) error {
	d, err := p.under(ctx, x, s)
	if err != nil {
		return err
	}
	x.Erase(engine.KindPluginData, id(s))
	for key := range d.values {
		x.Erase(engine.KindPluginData, keyID(s, key))
	}
	return nil
}

// Forget drops what is cached of a deleted check.
func (p *Data) Forget(subject string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, d := range p.cache {
		if d.scope.Subject == subject {
			p.cached -= d.size
			delete(p.cache, id)
		}
	}
}
