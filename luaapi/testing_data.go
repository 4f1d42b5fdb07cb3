package luaapi

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"moonwatch/engine"
)

// testData is a store in memory for the time of one test. It keeps to the
// limits of the real one, in the test's time.
type testData struct {
	mu     sync.Mutex // guards values
	values map[engine.Scope]map[string]testValue
	now    func() time.Time
}

type testValue struct {
	json    []byte
	expires time.Time // zero: never
}

// maxStoreKeys is how many keys one scope of a store holds.
const maxStoreKeys = 100

func newTestData(now func() time.Time) *testData {
	return &testData{values: map[engine.Scope]map[string]testValue{}, now: now}
}

// NewScratch returns a store for the time of one run on the command line. It
// keeps to the limits of the real one; now is the clock of its expiries.
func NewScratch(now func() time.Time) engine.PluginData { return newTestData(now) }

// Get implements engine.PluginData.
func (d *testData) Get(_ context.Context, s engine.Scope, key string) ([]byte, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	v, ok := d.get(s, key)
	return v.json, ok, nil
}

func (d *testData) get(s engine.Scope, key string) (testValue, bool) {
	v, ok := d.values[s][key]
	if ok && !v.expires.IsZero() && !d.now().Before(v.expires) {
		delete(d.values[s], key)
		return testValue{}, false
	}
	return v, ok
}

// Set implements engine.PluginData.
func (d *testData) Set(_ context.Context, s engine.Scope, key string, value []byte, ttl time.Duration) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	v := testValue{json: value}
	if ttl > 0 {
		v.expires = d.now().Add(ttl)
	}
	return d.set(s, key, v)
}

func (d *testData) set(s engine.Scope, key string, v testValue) error {
	if d.values[s] == nil {
		d.values[s] = map[string]testValue{}
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
func (d *testData) Increment(_ context.Context, s engine.Scope, key string, by float64) (float64, error) {
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
func (d *testData) Delete(_ context.Context, s engine.Scope, key string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.values[s], key)
	return nil
}
