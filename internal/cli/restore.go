package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"moonwatch/engine"
	"moonwatch/storage"
	"moonwatch/storage/seal"
)

type restoreCommand struct {
	dataFlag
	File string `arg:"" help:"The backup; - is standard input."`
}

const otherKey exitCode = 1

// Run makes the data folder from the backup, and says whether the key fits.
func (c *restoreCommand) Run(s streams) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	in := s.in
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	if err := c.restore(ctx, in); err != nil {
		return err
	}
	db, err := c.store()
	if err != nil {
		return err
	}
	return errors.Join(c.report(ctx, s, db), db.Close())
}

// restore fills an empty folder, and leaves nothing behind when it fails.
func (c *restoreCommand) restore(ctx context.Context, in io.Reader) error {
	if err := c.empty(); err != nil {
		return err
	}
	o := storage.DefaultOptions()
	o.Logger = slog.New(slog.DiscardHandler)
	err := storage.Restore(ctx, c.Data, in, o)
	if err != nil {
		return errors.Join(err, storage.Remove(c.Data)) // it was not there before
	}
	return nil
}

// empty refuses a folder in which there is more than the key and plugins.
func (c *restoreCommand) empty() error {
	entries, err := os.ReadDir(c.Data)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look into the data folder: %w", err)
	}
	for _, e := range entries {
		if e.Name() != filepath.Base(c.keyFile()) && e.Name() != "plugins" {
			return fmt.Errorf("the folder %s is not empty: there is %s. Choose another --data; only the key and plugins may be there", c.Data, e.Name())
		}
	}
	return nil
}

// report says what was restored, and what of its secrets can be opened.
func (c *restoreCommand) report(ctx context.Context, s streams, db *storage.DB) error {
	counts, err := countObjects(ctx, db)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "restored %s into %s\n", counts, c.Data)
	recorded, err := recordedKey(ctx, db)
	if err != nil {
		return err
	}
	secrets, err := storedSecrets(ctx, db)
	if err != nil {
		return err
	}
	there, err := c.hasKey()
	if err != nil {
		return fmt.Errorf("open the key: %w", err)
	}
	if !there {
		if len(secrets) == 0 {
			fmt.Fprintln(s.out, "it holds no secrets; the key is not needed")
			return nil
		}
		printSecrets(s.out, fmt.Sprintf("The key %s is not here. Without it, these secrets have to be entered again:", recorded), secrets)
		fmt.Fprintln(s.out, c.wayOut(recorded)+".")
		return nil
	}
	sealer, err := seal.Open(c.keyFile(), c.Key)
	if err != nil {
		return fmt.Errorf("open the key: %w", err)
	}
	if recorded != "" && sealer.Fingerprint() != recorded {
		fmt.Fprintf(s.err, "The key here is %s, and the backup was made with the key %s.\n", sealer.Fingerprint(), recorded)
		if lost := foreign(secrets, sealer.Fingerprint()); len(lost) > 0 {
			printSecrets(s.err, "Without that, these secrets have to be entered again:", lost)
		}
		fmt.Fprintln(s.err, c.wayOut(recorded)+".")
		return otherKey
	}
	if lost := foreign(secrets, sealer.Fingerprint()); len(lost) > 0 {
		printSecrets(s.out, "These secrets were sealed with an older key, and have to be entered again:", lost)
		return nil
	}
	fmt.Fprintf(s.out, "the key %s fits\n", sealer.Fingerprint())
	return nil
}

// shownKinds are the kinds of objects that people know.
var shownKinds = []engine.Kind{engine.KindService, engine.KindInstance, engine.KindCheck, engine.KindUser, engine.KindRota,
	engine.KindSilence, engine.KindIncident}

// countObjects says how much a folder holds: "2 services, 1 check".
func countObjects(ctx context.Context, db *storage.DB) (string, error) {
	held := storage.Contents{}
	for _, kind := range shownKinds {
		for _, err := range engine.Records(ctx, db, kind, engine.Query{}) {
			if err != nil {
				return "", fmt.Errorf("count what was restored: %w", err)
			}
			held[string(kind)]++
		}
	}
	return describeContents(held), nil
}

// describeContents says how much there is of what: "2 services, 1 check".
func describeContents(held storage.Contents) string {
	var parts []string
	for _, kind := range shownKinds {
		if n := held[string(kind)]; n > 0 {
			parts = append(parts, counted(int(n), string(kind)))
		}
	}
	if n := held["results"]; n > 0 {
		parts = append(parts, counted(int(n), "result"))
	}
	if len(parts) == 0 {
		return "an empty monitor"
	}
	return strings.Join(parts, ", ")
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
