package luaapi

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"moonwatch/engine"
)

// scratchData is a store in memory, for a test or a draft. It keeps to the
// limits of the real one, by the clock that it is given.
type scratchData struct {
	mu     sync.Mutex // guards values
	values map[engine.Scope]map[string]scratchValue
	now    func() time.Time
}

type scratchValue struct {
	json    []byte
	expires time.Time // zero: never
}

// maxStoreKeys is how many keys one scope of a store holds.
const maxStoreKeys = 100

func newScratchData(now func() time.Time) *scratchData {
	return &scratchData{values: map[engine.Scope]map[string]scratchValue{}, now: now}
}

// NewScratch returns a store for the time of one run on the command line. It
// keeps to the limits of the real one; now is the clock of its expiries.
func NewScratch(now func() time.Time) engine.PluginData { return newScratchData(now) }

// Get implements engine.PluginData.
func (d *scratchData) Get(_ context.Context, s engine.Scope, key string) ([]byte, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	v, ok := d.get(s, key)
	return v.json, ok, nil
}

func (d *scratchData) get(s engine.Scope, key string) (scratchValue, bool) {
	v, ok := d.values[s][key]
	if ok && !v.expires.IsZero() && !d.now().Before(v.expires) {
		delete(d.values[s], key)
		return scratchValue{}, false
	}
	return v, ok
}

// Set implements engine.PluginData.
func (d *scratchData) Set(_ context.Context, s engine.Scope, key string, value []byte, ttl time.Duration) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	v := scratchValue{json: value}
	if ttl > 0 {
		v.expires = d.now().Add(ttl)
	}
	return d.set(s, key, v)
}

func (d *scratchData) set(s engine.Scope, key string, v scratchValue) error {
	if d.values[s] == nil {
		d.values[s] = map[string]scratchValue{}
	}
	for other := range d.values[s] {
		d.get(s, other) // drops what has expired
	}
	if _, ok := d.values[s][key]; !ok && len(d.values[s]) >= maxStoreKeys {
		return errors.New("the store holds 100 keys already")
	}
	d.values[s][key] = v
	return nil
}

// Increment implements engine.PluginData.
func (d *scratchData) Increment(_ context.Context, s engine.Scope, key string, by float64) (float64, error) {
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
func (d *scratchData) Delete(_ context.Context, s engine.Scope, key string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.values[s], key)
	return nil
}
