package module

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"moonwatch/engine"
)

// Scratch is a store in memory, for a test or a draft. It keeps to the
// limits of the real one, by the clock that it is given.
type Scratch struct {
	mu     sync.Mutex // guards values
	Values map[engine.Scope]map[string]scratchValue
	now    func() time.Time
}

type scratchValue struct {
	json    []byte
	expires time.Time // zero: never
}

// maxStoreKeys is how many keys one scope of a store holds.
const maxStoreKeys = 100

func NewScratch(now func() time.Time) *Scratch {
	return &Scratch{Values: map[engine.Scope]map[string]scratchValue{}, now: now}
}

// Get implements engine.PluginData.
func (d *Scratch) Get(_ context.Context, s engine.Scope, key string) ([]byte, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	v, ok := d.get(s, key)
	return v.json, ok, nil
}

func (d *Scratch) get(s engine.Scope, key string) (scratchValue, bool) {
	v, ok := d.Values[s][key]
	if ok && !v.expires.IsZero() && !d.now().Before(v.expires) {
		delete(d.Values[s], key)
		return scratchValue{}, false
	}
	return v, ok
}

// Set implements engine.PluginData.
func (d *Scratch) Set(_ context.Context, s engine.Scope, key string, value []byte, ttl time.Duration) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	v := scratchValue{json: value}
	if ttl > 0 {
		v.expires = d.now().Add(ttl)
	}
	return d.set(s, key, v)
}

func (d *Scratch) set(s engine.Scope, key string, v scratchValue) error {
	if d.Values[s] == nil {
		d.Values[s] = map[string]scratchValue{}
	}
	for other := range d.Values[s] {
		d.get(s, other) // drops what has expired
	}
	if _, ok := d.Values[s][key]; !ok && len(d.Values[s]) >= maxStoreKeys {
		return errors.New("the store holds 100 keys already")
	}
	d.Values[s][key] = v
	return nil
}

// Increment implements engine.PluginData.
func (d *Scratch) Increment(_ context.Context, s engine.Scope, key string, by float64) (float64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	sum := 0.0
	v, ok := d.get(s, key)
	if ok && json.Unmarshal(v.json, &sum) != nil {
		return 0, errors.New("the value is not a number")
	}
	sum += by
	data, err := json.Marshal(sum)
	if err != nil {
		return 0, err
	}
	v.json = data
	return sum, d.set(s, key, v)
}

// Delete implements engine.PluginData.
func (d *Scratch) Delete(_ context.Context, s engine.Scope, key string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.Values[s], key)
	return nil
}
