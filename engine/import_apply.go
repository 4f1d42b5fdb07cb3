package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// importPiece is a part of an import that is applied as one batch. A large import
// is written down whole, as the pieces that are still to be applied, before the
// first one is.
type importPiece struct {
	By    Actor      `json:"by"`
	Items []planItem `json:"items"`
}

const (
	pieceObjects = 500
	pieceBytes   = 4 << 20
	importBytes  = 48 << 20 // of all pieces: they are written down as one batch
	importMark   = "import/"
	deletesMost  = 32 // deletions under way at once
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
		return im.e.do(im.ctx, im.by, func(x *tx) error {
			if !x.unmoved(im.now) {
				return errRetry
			}
			for i := range pieces[0].Items {
				if err := x.applyItem(&pieces[0].Items[i]); err != nil {
					return fmt.Errorf("%s %s: %w", pieces[0].Items[i].Kind, pieces[0].Items[i].Name, err)
				}
			}
			return nil
		})
	}
	marks := make([]string, len(pieces))
	run := im.e.newID()
	for i := range pieces {
		marks[i] = fmt.Sprintf("%s%s/%04d", importMark, run, i)
	}
	err = im.e.do(im.ctx, im.by, func(x *tx) error {
		if !x.unmoved(im.now) {
			return errRetry
		}
		for i, mark := range marks {
			x.write(KindMark, mark, pieces[i])
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, mark := range marks { // from here on it happens, whoever waits
		notes, err := im.e.applyPiece(context.WithoutCancel(im.ctx), mark, pieces[i])
		if err != nil {
			return &Error{Kind: Unavailable, Message: "the import is not complete: the next start, or the next import, finishes it: " + err.Error()}
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
			return nil, &Error{Kind: Invalid, Message: "the document holds too much for one import: divide it"}
		}
	}
	if len(im.deletes) > 0 {
		out = append(out, importPiece{By: im.by, Items: im.deletes})
	}
	return out, nil
}

// unmoved reports whether nothing was configured since, also by what is in the
// same batch.
func (x *tx) unmoved(c *configured) bool {
	for at := x; at != nil; at = at.parent {
		if len(at.services.puts)+len(at.instances.puts)+len(at.checks.puts)+len(at.users.puts)+len(at.plugins.puts)+
			len(at.rotas.puts)+len(at.silences.puts)+len(at.settings.puts) > 0 {
			return false
		}
	}
	return c.same(x.t)
}

// applyPiece applies one piece and forgets it, as one batch. An object that does
// not fit any more, because something was changed between the pieces, is left
// out with a note. Deletions come one by one, and the piece is forgotten last.
func (e *configService) applyPiece(ctx context.Context, mark string, piece importPiece) (notes []string, err error) {
	deleting := len(piece.Items) > 0 && piece.Items[0].Data == nil
	if deleting {
		if notes, err = e.applyDeletes(ctx, piece); err != nil {
			return notes, err
		}
	}
	applied := []string(nil)
	err = e.do(ctx, piece.By, func(x *tx) error {
		for i := range piece.Items {
			item := &piece.Items[i]
			if deleting {
				break
			}
			err := x.applyItem(item)
			if failed := (*Error)(nil); errors.As(err, &failed) {
				applied = append(applied, fmt.Sprintf("%s %s was left as it was: %s", item.Kind, item.Name, failed.Error()))
			} else if err != nil {
				return err
			}
		}
		x.erase(KindMark, mark)
		return nil
	})
	return append(notes, applied...), err
}

// applyItem puts one object of an import over whatever is there.
func (x *tx) applyItem(item *planItem) error {
	switch item.Kind {
	case KindUser:
		return apply(item, func(v *User) error { return x.saveUser(v, x.users.get(v.ID), "") })
	case KindRota:
		return apply(item, func(v *Rota) error {
			v.Revision = 0
			if old := x.rotas.get(v.ID); old != nil {
				v.Revision = old.Revision
			}
			return x.saveRota(v)
		})
	case KindPluginSettings:
		return apply(item, func(v *PluginSettings) error { return x.applyPluginSettings(v) })
	case KindCheck:
		return apply(item, func(v *Check) error { return x.saveCheck(v, x.checks.get(v.ID), false) })
	case KindInstance:
		return apply(item, func(v *Instance) error { return x.saveInstance(v, x.instances.get(v.ID), problems{}) })
	case KindService:
		return apply(item, func(v *Service) error { return x.saveService(v, x.services.get(v.ID), problems{}) })
	case KindSilence:
		return apply(item, func(v *Silence) error {
			v.Revision = 0
			if old := x.silences.get(v.ID); old != nil {
				v.Revision = old.Revision
			}
			return x.saveSilence(v)
		})
	case KindSettings:
		return apply(item, func(v *Settings) error { return x.applySettings(v) })
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

func (x *tx) applyPluginSettings(s *PluginSettings) error {
	var before any
	var meta *Meta
	if old := x.plugins.get(s.ID); old != nil {
		before, meta = old, &old.Meta
	}
	x.stamp(KindPluginSettings, &s.Meta, meta)
	x.audit("update", KindPluginSettings, s.ID, s.ID, before, s)
	x.plugins.put(s.ID, s)
	return nil
}

func (x *tx) applySettings(s *Settings) error {
	old := x.site()
	if s.FallbackUser != "" && x.users.get(s.FallbackUser) == nil {
		s.FallbackUser = ""
	}
	if s.DefaultRota != "" && x.rotas.get(s.DefaultRota) == nil {
		s.DefaultRota = ""
	}
	if old.Revision == 0 {
		x.stamp(KindSettings, &s.Meta, nil)
	} else {
		x.stamp(KindSettings, &s.Meta, &old.Meta)
	}
	x.settings.put(siteID, s)
	x.audit("update", KindSettings, siteID, "settings", old, s)
	x.remindOpen()
	return nil
}

// applyDeletes deletes what a prune found, several at once, kind by kind.
func (e *configService) applyDeletes(ctx context.Context, piece importPiece) (notes []string, failed error) {
	var mu sync.Mutex // guards notes and failed
	for start := 0; start < len(piece.Items); {
		end := start
		for end < len(piece.Items) && piece.Items[end].Kind == piece.Items[start].Kind {
			end++
		}
		var wg sync.WaitGroup
		turns := make(chan struct{}, deletesMost)
		for _, item := range piece.Items[start:end] {
			turns <- struct{}{}
			wg.Go(func() {
				defer func() { <-turns }()
				err := e.deleteItem(ctx, piece.By, item)
				mu.Lock()
				defer mu.Unlock()
				switch KindOf(err) {
				case NotFound:
				case Conflict, Invalid:
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

func (e *configService) deleteItem(ctx context.Context, by Actor, item planItem) error {
	switch item.Kind {
	case KindUser:
		return e.users.DeleteUser(ctx, by, item.ID, nil)
	case KindRota:
		return e.rotas.DeleteRota(ctx, by, item.ID, nil)
	case KindCheck:
		return e.checks.DeleteCheck(ctx, by, item.ID, nil)
	case KindInstance:
		return e.targets.DeleteInstance(ctx, by, item.ID, nil)
	case KindService:
		return e.targets.DeleteService(ctx, by, item.ID, nil)
	case KindSilence:
		return e.silences.DeleteSilence(ctx, by, item.ID, nil)
	case KindPluginSettings:
		return e.do(ctx, by, func(x *tx) error {
			if old := x.plugins.get(item.ID); old != nil {
				x.plugins.delete(item.ID)
				x.deletes, x.deleter = true, x.by.Name
				x.audit("delete", KindPluginSettings, item.ID, item.ID, old, nil)
			}
			return nil
		})
	}
	return nil
}

// finishImports applies what is left of imports that were cut short.
func (e *configService) finishImports(ctx context.Context) error {
	type left struct {
		mark  string
		piece importPiece
	}
	var found []left
	var bad error
	err := e.store.Scan(ctx, KindMark, Query{After: importMark}, func(r Record) bool {
		if !strings.HasPrefix(r.ID, importMark) {
			return false
		}
		l := left{mark: r.ID}
		if bad = json.Unmarshal(r.Data, &l.piece); bad != nil {
			return false
		}
		found = append(found, l)
		return true
	})
	if err = errors.Join(err, bad); err != nil {
		return fmt.Errorf("read what is left of an import: %w", err)
	}
	for _, l := range found {
		notes, err := e.applyPiece(ctx, l.mark, l.piece)
		if err != nil {
			return fmt.Errorf("finish an import: %w", err)
		}
		for _, n := range notes {
			e.log.Warn("an import was finished with an exception", "what", n)
		}
	}
	if len(found) > 0 {
		e.log.Info("an import that was cut short is complete now", "pieces", len(found))
	}
	return nil
}

// resumeImports is finishImports at a start: what it cannot finish is logged and
// left, and does not keep the monitor from starting.
func (e *configService) resumeImports(ctx context.Context) {
	if err := e.finishImports(ctx); err != nil {
		e.log.Error("an import that was cut short could not be finished", "error", err)
	}
}
