package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"moonwatch/engine"
	"moonwatch/engine/monitor"
	"moonwatch/storage"
	"moonwatch/storage/seal"
)

// dataFlag is the data folder, which most commands need.
type dataFlag struct {
	Data string `default:"./moonwatch-data" type:"path" placeholder:"DIR" help:"The data folder (${default})."`
	Key  string `env:"MOONWATCH_KEY" placeholder:"KEY" help:"The key that secrets are sealed with, 32 bytes in base64 or hex, in place of the key file in the data folder."`

	noSync bool // a crash of the machine may lose the last changes: for what is made up
}

func (f dataFlag) keyFile() string { return filepath.Join(f.Data, "secret.key") }
func (f dataFlag) socket() string  { return filepath.Join(f.Data, "moonwatch.sock") }

// dataDir is an opened data folder: its store, its key, and the engine on them.
type dataDir struct {
	db     *storage.DB
	sealer *seal.Sealer
	engine *monitor.Monitor
}

// open opens the data folder, making it when it is not there. change sets the
// engine's options.
func (f dataFlag) open(ctx context.Context, log *slog.Logger, change func(*engine.Options)) (*dataDir, error) {
	if err := os.MkdirAll(f.Data, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	o := storage.DefaultOptions()
	o.Logger, o.NoSync = log, f.noSync
	db, err := storage.Open(f.Data, o)
	if err != nil {
		return nil, err
	}
	sealer, err := f.openKey(ctx, db)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	options := engine.DefaultOptions()
	options.Store, options.Sealer, options.Logger = db, sealer, log
	if change != nil {
		change(&options)
	}
	e, err := monitor.New(ctx, options)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &dataDir{db, sealer, e}, nil
}

// close stops the engine and flushes the store.
func (f *dataDir) close() error {
	f.engine.Stop()
	if err := f.db.Close(); err != nil {
		return fmt.Errorf("close the data folder: %w", err)
	}
	return nil
}
