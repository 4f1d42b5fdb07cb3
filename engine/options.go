package engine

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"
)

// Options are what an engine is built from.
type Options struct {
	Store  Store
	Sealer Sealer // seals secrets; the engine itself never opens one
	Logger *slog.Logger
	// SelfURL is the address that the monitor answers on, without a trailing
	// slash: links in alerts begin with it while no public URL is set, and the
	// first service checks it.
	SelfURL string
	// RunsInFlight bounds the runs under way at once, waiting ones included.
	RunsInFlight int
	// Prober reaches the self-check target; nil: never offline.
	Prober Prober
	// Overloaded reports whether so many runs wait for a connection or a processor
	// that those begun now would only wait, too; nil: never. It is called hundreds of
	// times a second and must not block.
	Overloaded func() bool
	// Memory tells what runs take; nil: they are begun whatever they take.
	Memory Memory
	// Fetcher reads the feeds of rotas and the outbound heartbeat; nil: neither is done.
	Fetcher Fetcher
	// NoEditing keeps plugins from being written through the monitor.
	NoEditing bool
	// Now is the clock.
	Now func() time.Time
	// Random gives the random part of ids; nil is the system's. It must be
	// safe for concurrent use.
	Random io.Reader
	// StopTime is how long Stop waits for runs and deliveries under way.
	StopTime time.Duration
}

// Prober tries to reach a target ("host:port" or a URL). It may block until ctx ends.
type Prober interface {
	Probe(ctx context.Context, target string) error
}

// Memory knows how much memory the runs of checks take. Its methods are called
// for each run that is to begin and must not block.
type Memory interface {
	// RunMemory is how many bytes all runs under way hold, and how many they may.
	RunMemory() (held, most uint64)
	// Expected is how many bytes a run of a check is likely to hold, and whether its
	// last run did little work and held little, with the plugin as it is now.
	Expected(c *Check) (memory uint64, light bool)
}

// DefaultOptions returns options that want a Store and a Sealer.
func DefaultOptions() Options {
	return Options{Logger: slog.Default(), RunsInFlight: 20_000, Now: time.Now, StopTime: 10 * time.Second}
}

func (o *Options) Validate() error {
	var errs []error
	if o.Store == nil {
		errs = append(errs, errors.New("option Store is missing"))
	}
	if o.Sealer == nil {
		errs = append(errs, errors.New("option Sealer is missing"))
	}
	if o.RunsInFlight < 1 {
		errs = append(errs, errors.New("option RunsInFlight must be at least 1"))
	}
	if o.Now == nil {
		errs = append(errs, errors.New("option Now is missing"))
	}
	return errors.Join(errs...)
}

// Fetcher gets what is behind a URL. It may block until ctx ends, and refuses
// answers of more than most bytes.
type Fetcher interface {
	Fetch(ctx context.Context, url string, most int64) ([]byte, error)
}
