package main

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

// plainSealer opens what a single run on the command line keeps in memory only.
type plainSealer struct{}

// Open returns the secret as it is.
func (plainSealer) Open(_, _ string, sealed form.Sealed) ([]byte, error) { return []byte(sealed), nil }

// scratch is a plugin's store for the time of one run.
type scratch struct {
	mu     sync.Mutex
	values map[engine.Scope]map[string][]byte
}

func newScratch() *scratch { return &scratch{values: map[engine.Scope]map[string][]byte{}} }

// Get implements engine.PluginData.
func (s *scratch) Get(_ context.Context, scope engine.Scope, key string) ([]byte, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.values[scope][key]
	return v, ok, nil
}

// Set implements engine.PluginData; nothing outlives the run, so ttl says nothing.
func (s *scratch) Set(_ context.Context, scope engine.Scope, key string, value []byte, _ time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.values[scope] == nil {
		s.values[scope] = map[string][]byte{}
	}
	s.values[scope][key] = value
	return nil
}

// Increment implements engine.PluginData.
func (s *scratch) Increment(ctx context.Context, scope engine.Scope, key string, by float64) (float64, error) {
	sum := 0.0
	if old, ok, _ := s.Get(ctx, scope, key); ok && json.Unmarshal(old, &sum) != nil {
		return 0, errors.New("the value is not a number")
	}
	sum += by
	data, err := json.Marshal(sum)
	if err != nil {
		return 0, err
	}
	return sum, s.Set(ctx, scope, key, data, 0)
}

// Delete implements engine.PluginData.
func (s *scratch) Delete(_ context.Context, scope engine.Scope, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.values[scope], key)
	return nil
}
