package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"moonwatch/storage"
)

type backupCommand struct {
	dataFlag
	File string `arg:"" help:"The file to write; - is standard output."`
}

// Run writes a backup: of the running monitor, or of the folder of one that does
// not run. Either is the state of one moment.
func (c *backupCommand) Run(s streams) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	api, err := c.running(ctx)
	if err != nil {
		return err
	}
	write := c.fromFolder
	if api != nil {
		write = func(ctx context.Context, w io.Writer) error { return fromMonitor(ctx, api, w) }
	}
	var held storage.Contents
	err = writeNewFile(s, c.File, func(w io.Writer) (err error) {
		held, err = verified(ctx, w, write)
		return err
	})
	if err != nil {
		return err
	}
	if c.File != "-" {
		fmt.Fprintf(s.out, "wrote %s with %s; keep the key too, it is not in the backup: %s\n", c.File, describeContents(held), c.keyFile())
	}
	return nil
}

// verified has write write a backup to w, and reads it as restore would.
func verified(ctx context.Context, w io.Writer, write func(context.Context, io.Writer) error) (storage.Contents, error) {
	type outcome struct {
		held storage.Contents
		err  error
	}
	read := make(chan outcome, 1)
	r, pipe := io.Pipe()
	go func() {
		held, err := storage.ReadBackup(ctx, r)
		r.CloseWithError(err) // the writer is told; nil lets it end
		read <- outcome{held, err}
	}()
	err := write(ctx, io.MultiWriter(w, pipe))
	pipe.CloseWithError(err)
	o := <-read
	if err == nil {
		err = o.err
	}
	if err != nil {
		return nil, fmt.Errorf("the backup is not whole: %w", err)
	}
	return o.held, nil
}

func fromMonitor(ctx context.Context, api *client, w io.Writer) error {
	answer, err := api.open(ctx, "GET", "/backup", nil, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		data, _ := io.ReadAll(io.LimitReader(answer.Body, 64<<10)) // the status says enough
		return problemOf(answer.StatusCode, data)
	}
	if _, err := io.Copy(w, answer.Body); err != nil {
		return err
	}
	return nil
}

func (c *backupCommand) fromFolder(ctx context.Context, w io.Writer) error {
	if _, err := os.Stat(c.Data); err != nil { // Open would make it
		return fmt.Errorf("open the data folder: %w", err)
	}
	db, err := c.store()
	if err != nil {
		return err
	}
	return errors.Join(db.Backup(ctx, w), db.Close())
}

// store opens the folder's database alone.
func (f dataFlag) store() (*storage.DB, error) {
	o := storage.DefaultOptions()
	o.Logger = slog.New(slog.DiscardHandler)
	return storage.Open(f.Data, o)
}
