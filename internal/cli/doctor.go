package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"

	"moonwatch/engine/config"
	"moonwatch/engine/config/importer"
	"moonwatch/storage"
	"moonwatch/storage/seal"
)

type doctorCommand struct {
	pluginsFlag
	passphraseFlag
	File   string `arg:"" optional:"" help:"A configuration file to look at in place of the data folder."`
	NewKey bool   `help:"The folder's key is lost: go on with the key that is there now, or a new one."`
}

const findings exitCode = 1

// minFree is the free space in bytes below which the doctor complains; the
// store refuses writes below 128 MiB.
const minFree = 512 << 20

// examination collects what is wrong.
type examination struct {
	out   io.Writer
	found int
}

func (x *examination) bad(format string, args ...any) {
	x.found++
	fmt.Fprintf(x.out, "problem: "+format+"\n", args...)
}

func (x *examination) fine(format string, args ...any) {
	fmt.Fprintf(x.out, "ok: "+format+"\n", args...)
}

// end is the command's error.
func (x *examination) end() error {
	if x.found == 0 {
		fmt.Fprintln(x.out, "nothing is wrong")
		return nil
	}
	fmt.Fprintln(x.out, counted(x.found, "problem"))
	return findings
}

// Run looks at a configuration file or at the data folder. Exit 1: something is wrong.
func (c *doctorCommand) Run(s streams) error {
	ctx := context.Background()
	x := &examination{out: s.out}
	if c.File != "" {
		if c.NewKey {
			return errors.New("--new-key is for a data folder, not for a file")
		}
		return c.document(ctx, s, x)
	}
	if err := c.folderCheck(ctx, x); err != nil {
		return err
	}
	return x.end()
}

// folderCheck looks at the folder from outside, then from inside.
func (c *doctorCommand) folderCheck(ctx context.Context, x *examination) error {
	if _, err := os.Stat(c.Data); errors.Is(err, fs.ErrNotExist) {
		x.bad("there is no data folder %s; moonwatch serve makes it", c.Data)
		return nil
	}
	c.permissions(x)
	c.space(x)
	api, err := c.running(ctx)
	if err != nil {
		x.bad("a monitor has the folder open, but cannot be reached: %v", err)
		return nil
	}
	if api != nil {
		if c.NewKey {
			return errors.New("the monitor runs: stop it before its key is changed")
		}
		x.fine("the monitor runs")
		whole(ctx, x, func(ctx context.Context, w io.Writer) error { return fromMonitor(ctx, api, w) })
		return c.inside(ctx, x, api)
	}
	return c.stopped(ctx, x)
}

// permissions complains about files that others can read.
func (c *doctorCommand) permissions(x *examination) {
	if runtime.GOOS == "windows" {
		return
	}
	before := x.found
	for _, path := range []string{c.Data, c.keyFile(), c.socket()} {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			x.bad("%v", err)
		case info.Mode().Perm()&0o077 != 0:
			private := "600"
			if info.IsDir() {
				private = "700"
			}
			x.bad("%s can be reached by others than its owner (mode %04o): chmod %s %s", path, info.Mode().Perm(), private, path)
		}
	}
	if f, err := os.CreateTemp(c.Data, ".doctor-*"); err != nil {
		x.bad("the folder cannot be written: %v", err)
	} else {
		f.Close()
		os.Remove(f.Name())
	}
	if x.found == before {
		x.fine("the folder %s is private and can be written", c.Data)
	}
}

func (c *doctorCommand) space(x *examination) {
	free, err := storage.FreeSpace(c.Data)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
	case err != nil:
		x.bad("the free space of the disk is not known: %v", err)
	case free < minFree:
		x.bad("the disk is nearly full: %d MiB are free, and the monitor wants %d", free>>20, minFree>>20)
	default:
		x.fine("%d MiB are free on the disk", free>>20)
	}
}

// stopped opens the folder of a monitor that does not run.
func (c *doctorCommand) stopped(ctx context.Context, x *examination) error {
	if _, err := os.Stat(filepath.Join(c.Data, "db")); errors.Is(err, fs.ErrNotExist) {
		x.bad("there is no database in %s; moonwatch serve makes it", c.Data)
		return nil
	}
	db, err := c.store()
	if err != nil { // another version, another process, damaged
		x.bad("%v", err)
		return nil
	}
	whole(ctx, x, db.Backup)
	usable, err := c.key(ctx, x, db)
	if err = errors.Join(err, db.Close()); err != nil || !usable {
		return err
	}
	opened, err := c.open(ctx, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		x.bad("%v", err)
		return nil
	}
	x.fine("the database opens, and no monitor runs")
	api, err := opened.withPlugins(ctx, c.folder())
	if err != nil {
		return err
	}
	if err := opened.engine.OnCall.LoadDuty(ctx); err != nil {
		return errors.Join(err, api.close())
	}
	return errors.Join(c.inside(ctx, x, api), api.close())
}

// whole reads everything, as a backup does, and compares all checksums.
func whole(ctx context.Context, x *examination, backup func(context.Context, io.Writer) error) {
	held, err := verified(ctx, io.Discard, backup)
	if err != nil {
		x.bad("the store: %v", err)
		return
	}
	x.fine("the store is whole: %s", describeContents(held))
}

// key looks at the key and the secrets that it seals; usable is false when the
// folder cannot be opened with it.
func (c *doctorCommand) key(ctx context.Context, x *examination, db *storage.DB) (usable bool, err error) {
	recorded, err := recordedKey(ctx, db)
	if err != nil {
		return false, err
	}
	secrets, err := storedSecrets(ctx, db)
	if err != nil {
		return false, err
	}
	there, err := c.hasKey()
	if err != nil {
		x.bad("the key: %v", err)
		return false, nil
	}
	if !there && recorded != "" && len(secrets) > 0 && !c.NewKey {
		x.bad("the key %s is missing. %s", recorded, c.wayOut(recorded))
		printSecrets(x.out, "Without it, these secrets have to be entered again:", secrets)
		return false, nil
	}
	sealer, err := seal.Open(c.keyFile(), c.Key)
	if err != nil {
		x.bad("the key: %v", err)
		return false, nil
	}
	if recorded != sealer.Fingerprint() && (c.NewKey || !there) {
		if err := recordKey(ctx, db, sealer.Fingerprint()); err != nil {
			return false, err
		}
		fmt.Fprintf(x.out, "the folder's key is %s from now on\n", sealer.Fingerprint())
		recorded = sealer.Fingerprint()
	}
	lost := foreign(secrets, sealer.Fingerprint())
	switch {
	case recorded != "" && recorded != sealer.Fingerprint():
		x.bad("the key here is %s, and the folder's is %s. %s", sealer.Fingerprint(), recorded, c.wayOut(recorded))
		usable = false
	case len(lost) > 0:
		x.bad("%s cannot be opened with the key %s: enter them again", counted(len(lost), "secret"), sealer.Fingerprint())
		usable = true
	default:
		x.fine("the key %s opens all %s", sealer.Fingerprint(), counted(len(secrets), "secret"))
		return true, nil
	}
	if len(lost) > 0 {
		printSecrets(x.out, "Sealed with another key:", lost)
	}
	return usable, nil
}

// document looks at a configuration file, as an import into an empty monitor
// would.
func (c *doctorCommand) document(ctx context.Context, s streams, x *examination) (err error) {
	headers, err := c.header(s)
	if err != nil {
		return err
	}
	data, err := readFile(s, c.File, config.MaxBytes)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "moonwatch-doctor-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	opened, err := dataFlag{Data: dir}.open(ctx, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		return err
	}
	api, err := opened.withPlugins(ctx, c.folder())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, api.close()) }()
	headers.Set("Content-Type", "application/yaml")
	addVariables(headers, data)
	status, answer, err := api.ask(ctx, "POST", "/import?dry_run=true", bytes.NewReader(data), headers)
	switch {
	case err != nil:
		return err
	case status == http.StatusUnprocessableEntity && printProblems(s.out, c.File, answer):
		return findings
	case status != http.StatusOK:
		return problemOf(status, answer)
	}
	x.fine("%s can be imported", c.File)
	var report importer.ImportReport
	if err := json.Unmarshal(answer, &report); err != nil {
		return fmt.Errorf("read the monitor's answer: %w", err)
	}
	printNotes(s.out, c.File, report.Notes)
	return x.end()
}
