package api

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"moonwatch/engine/access"
	"moonwatch/server/rest"
)

// backups is the route of the backup.
type backups struct {
	backup func(ctx context.Context, w io.Writer) error // nil offers none
	log    *slog.Logger
	now    func() time.Time
}

func (s *backups) routes(known rest.Shapes) []*rest.Route {
	return []*rest.Route{{Method: "GET", Path: "/backup", Role: access.Admin, Tag: "configuration", Summary: "Back up everything",
		Note: "The state of this moment as one file, for moonwatch restore. It does not hold the key that secrets are sealed with. " +
			"A backup that fails half-way is cut off: restore notices.",
		Download: true, Gives: []string{"application/octet-stream"}, Handle: s.serve}}
}

func (s *backups) serve(c *rest.Call) (rest.Answer, error) {
	if s.backup == nil {
		return rest.Answer{}, rest.Refuse(http.StatusServiceUnavailable, "this monitor offers no backup here")
	}
	h := c.Writer.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="moonwatch-%s.backup"`, s.now().UTC().Format("20060102T150405Z")))
	if c.Request.Method == http.MethodHead {
		c.Writer.WriteHeader(http.StatusOK)
		return rest.Answer{}, nil
	}
	s.log.Info("a backup begins", "by", c.Who.Name)
	out := &begun{w: c.Writer}
	if err := s.backup(c.Request.Context(), out); err != nil {
		s.log.Error("a backup failed", "error", err)
		if !out.any { // as when the files are damaged: that is looked at first
			h.Del("Content-Disposition")
			return rest.Answer{}, rest.Refuse(http.StatusInternalServerError, err.Error())
		}
		panic(http.ErrAbortHandler) // the client must see that it is not whole
	}
	return rest.Answer{}, nil
}

// begun notes whether anything was written.
type begun struct {
	w   io.Writer
	any bool
}

func (b *begun) Write(p []byte) (int, error) {
	b.any = b.any || len(p) > 0
	return b.w.Write(p)
}
