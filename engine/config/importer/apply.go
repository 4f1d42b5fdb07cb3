package importer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"moonwatch/engine"
	"moonwatch/engine/alert"
	"moonwatch/engine/edit"
	"moonwatch/engine/state"
)

// importPiece is a part of an import that is applied as one batch. A large import
// is written down whole, as the pieces that are still to be applied, before the
// first one is.
type importPiece struct {
	By    engine.Actor `json:"by"`
	Items []planItem   `json:"items"`
}

const (
	pieceObjects = 500
	pieceBytes   = 4 << 20
	importBytes  = 48 << 20 // of all pieces: they are written down as one batch
	importMark   = "import/"
	maxDeletes   = 32 // deletions under way at once
)

// commit makes the plan happen.
func (im *importer) commit() error {
	pieces, err := im.pieces()
	if err != nil {
		return err
	}
	switch {
	case len(pieces) == 0:
		return nil
	case len(pieces) == 1 && len(im.deletes) == 0:
		return im.e.Submit(im.ctx, im.by, func(x *state.Tx) error {
			if !unmoved(x, im.now) {
				return state.ErrRetry
			}
			for i := range pieces[0].Items {
				if err := applyItem(x, &pieces[0].Items[i]); err != nil {
					return fmt.Errorf("%s %s: %w", pieces[0].Items[i].Kind, pieces[0].Items[i].Name, err)
				}
			}
			return nil
		})
	}
	marks := make([]string, len(pieces))
	run := im.e.IDs.New()
	for i := range pieces {
		marks[i] = fmt.Sprintf("%s%s/%04d", importMark, run, i)
	}
	err = im.e.Submit(im.ctx, im.by, func(x *state.Tx) error {
		if !unmoved(x, im.now) {
			return state.ErrRetry
		}
		for i, mark := range marks {
			x.Write(engine.KindMark, mark, pieces[i])
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, mark := range marks { // from here on it happens, whoever waits
		notes, err := im.e.applyPiece(context.WithoutCancel(im.ctx), mark, pieces[i])
		if err != nil {
			return &engine.Error{
				Kind:    engine.Unavailable,
				Message: "the import is not complete: the next start, or the next import, finishes it: " + err.Error(),
			}
		}
		for _, n := range notes {
			im.note("", "changed", "%s", n)
		}
	}
	return nil
}

// pieces cuts the plan; the deletions are the last piece.
func (im *importer) pieces() ([]importPiece, error) {
	var out []importPiece
	total, size := 0, 0
	for i := range im.plan {
		item := &im.plan[i]
		if err := item.encode(); err != nil {
			return nil, err
		}
		n := len(item.Data) + len(item.Name) + 200
		if len(out) == 0 || len(out[len(out)-1].Items) == pieceObjects || size+n > pieceBytes {
			out = append(out, importPiece{By: im.by})
			size = 0
		}
		last := &out[len(out)-1]
		last.Items = append(last.Items, *item)
		size += n
		if total += n; total > importBytes {
			return nil, &engine.Error{Kind: engine.Invalid, Message: "the document holds too much for one import: divide it"}
		}
	}
	if len(im.deletes) > 0 {
		out = append(out, importPiece{By: im.by, Items: im.deletes})
	}
	return out, nil
}

// unmoved reports whether nothing was configured since, also by what is in the
// same batch.
func unmoved(x *state.Tx, c *state.Configured) bool {
	for at := x; at != nil; at = at.Parent {
		if len(at.Services.Puts)+len(at.Instances.Puts)+len(at.Checks.Puts)+len(at.Users.Puts)+len(at.Plugins.Puts)+
			len(at.Rotas.Puts)+len(at.Silences.Puts)+len(at.Settings.Puts) > 0 {
			return false
		}
	}
	return c.Same(x.Tables)
}

// applyPiece applies one piece and forgets it, as one batch. An object that does
// not fit any more, because something was changed between the pieces, is left
// out with a note. Deletions come one by one, and the piece is forgotten last.
func (cfg *Config) applyPiece(ctx context.Context, mark string, piece importPiece) (notes []string, err error) {
	deleting := len(piece.Items) > 0 && piece.Items[0].Data == nil
	if deleting {
		if notes, err = cfg.applyDeletes(ctx, piece); err != nil {
			return notes, err
		}
	}
	applied := []string(nil)
	err = cfg.Submit(ctx, piece.By, func(x *state.Tx) error {
		for i := range piece.Items {
			item := &piece.Items[i]
			if deleting {
				break
			}
			err := applyItem(x, item)
			if failed := (*engine.Error)(nil); errors.As(err, &failed) {
				applied = append(applied, fmt.Sprintf("%s %s was left as it was: %s", item.Kind, item.Name, failed.Error()))
			} else if err != nil {
				return err
			}
		}
		x.Erase(engine.KindMark, mark)
		return nil
	})
	return append(notes, applied...), err
}

// applyItem puts one object of an import over whatever is there.
func applyItem(x *state.Tx, item *planItem) error {
	switch item.Kind {
	case engine.KindUser:
		return apply(item, func(v *engine.User) error { return edit.SaveUser(x, v, x.Users.Get(v.ID), "") })
	case engine.KindRota:
		return apply(item, func(v *engine.Rota) error {
			v.Revision = 0
			if old := x.Rotas.Get(v.ID); old != nil {
				v.Revision = old.Revision
			}
			return edit.SaveRota(x, v)
		})
	case engine.KindPluginSettings:
		return apply(item, func(v *engine.PluginSettings) error { return applyPluginSettings(x, v) })
	case engine.KindCheck:
		return apply(item, func(v *engine.Check) error { return edit.SaveCheck(x, v, x.Checks.Get(v.ID), false) })
	case engine.KindInstance:
		return apply(item, func(v *engine.Instance) error {
			return edit.SaveInstance(x, v, x.Instances.Get(v.ID), engine.Problems{})
		})
	case engine.KindService:
		return apply(item, func(v *engine.Service) error { return edit.SaveService(x, v, x.Services.Get(v.ID), engine.Problems{}) })
	case engine.KindSilence:
		return apply(item, func(v *engine.Silence) error {
			v.Revision = 0
			if old := x.Silences.Get(v.ID); old != nil {
				v.Revision = old.Revision
			}
			return edit.SaveSilence(x, v)
		})
	case engine.KindSettings:
		return apply(item, func(v *engine.Settings) error { return applySettings(x, v) })
	}
	return fmt.Errorf("an import holds a %s", item.Kind)
}

func apply[T any](item *planItem, save func(*T) error) error {
	v := new(T)
	if err := json.Unmarshal(item.Data, v); err != nil {
		return fmt.Errorf("read %s %s: %w", item.Kind, item.ID, err)
	}
	return save(v)
}

func applyPluginSettings(x *state.Tx, s *engine.PluginSettings) error {
	var before any
	var meta *engine.Meta
	if old := x.Plugins.Get(s.ID); old != nil {
		before, meta = old, &old.Meta
	}
	x.SetRevision(engine.KindPluginSettings, &s.Meta, meta)
	x.Audit("update", engine.KindPluginSettings, s.ID, s.ID, before, s)
	x.Plugins.Put(s.ID, s)
	return nil
}

func applySettings(x *state.Tx, s *engine.Settings) error {
	old := x.Site()
	if s.FallbackUser != "" && x.Users.Get(s.FallbackUser) == nil {
		s.FallbackUser = ""
	}
	if s.DefaultRota != "" && x.Rotas.Get(s.DefaultRota) == nil {
		s.DefaultRota = ""
	}
	if old.Revision == 0 {
		x.SetRevision(engine.KindSettings, &s.Meta, nil)
	} else {
		x.SetRevision(engine.KindSettings, &s.Meta, &old.Meta)
	}
	x.Settings.Put(engine.SiteID, s)
	x.Audit("update", engine.KindSettings, engine.SiteID, "settings", old, s)
	alert.RemindOpen(x)
	return nil
}

// applyDeletes deletes what a prune found, several at once, kind by kind.
func (cfg *Config) applyDeletes(ctx context.Context, piece importPiece) (notes []string, failed error) {
	var mu sync.Mutex // guards notes and failed
	for start := 0; start < len(piece.Items); {
		end := start
		for end < len(piece.Items) && piece.Items[end].Kind == piece.Items[start].Kind {
			end++
		}
		var wg sync.WaitGroup
		turns := make(chan struct{}, maxDeletes)
		for _, item := range piece.Items[start:end] {
			turns <- struct{}{}
			wg.Go(func() {
				defer func() { <-turns }()
				err := cfg.deleteItem(ctx, piece.By, item)
				mu.Lock()
				defer mu.Unlock()
				switch engine.KindOf(err) {
				case engine.NotFound:
				case engine.Conflict, engine.Invalid:
					notes = append(notes, fmt.Sprintf("%s %s was not deleted: %s", item.Kind, item.Name, err))
				default:
					if err != nil {
						failed = err
					}
				}
			})
		}
		wg.Wait()
		if failed != nil {
			return notes, failed
		}
		start = end
	}
	return notes, nil
}

func (cfg *Config) deleteItem(ctx context.Context, by engine.Actor, item planItem) error {
	switch item.Kind {
	case engine.KindUser:
		return cfg.Users.DeleteUser(ctx, by, item.ID, nil)
	case engine.KindRota:
		return cfg.Rotas.DeleteRota(ctx, by, item.ID, nil)
	case engine.KindCheck:
		return cfg.Checks.DeleteCheck(ctx, by, item.ID, nil)
	case engine.KindInstance:
		return cfg.Targets.DeleteInstance(ctx, by, item.ID, nil)
	case engine.KindService:
		return cfg.Targets.DeleteService(ctx, by, item.ID, nil)
	case engine.KindSilence:
		return cfg.Silences.DeleteSilence(ctx, by, item.ID, nil)
	case engine.KindPluginSettings:
		return cfg.Submit(ctx, by, func(x *state.Tx) error {
			if x.Plugins.Get(item.ID) != nil {
				state.Remove(x, &x.Plugins, item.ID, item.ID)
			}
			return nil
		})
	}
	return nil
}

// finishImports applies what is left of imports that were cut short.
func (cfg *Config) finishImports(ctx context.Context) error {
	type left struct {
		mark  string
		piece importPiece
	}
	var found []left
	for r, err := range engine.Records(ctx, cfg.Store, engine.KindMark, engine.Query{Prefix: importMark}) {
		l := left{mark: r.ID}
		if err == nil {
			err = json.Unmarshal(r.Data, &l.piece)
		}
		if err != nil {
			return fmt.Errorf("read what is left of an import: %w", err)
		}
		found = append(found, l)
	}
	for _, l := range found {
		notes, err := cfg.applyPiece(ctx, l.mark, l.piece)
		if err != nil {
			return fmt.Errorf("finish an import: %w", err)
		}
		for _, n := range notes {
			cfg.Log.Warn("an import was finished with an exception", "what", n)
		}
	}
	if len(found) > 0 {
		cfg.Log.Info("an import that was cut short is complete now", "pieces", len(found))
	}
	return nil
}

// ResumeImports is finishImports at a start: what it cannot finish is logged and
// left, and does not keep the monitor from starting.
func (cfg *Config) ResumeImports(ctx context.Context) {
	if err := cfg.finishImports(ctx); err != nil {
		cfg.Log.Error("an import that was cut short could not be finished", "error", err)
	}
}
