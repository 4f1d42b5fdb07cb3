package server

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"moonwatch/engine/access"
)

// backups is the route of the backup.
type backups struct {
	backup func(ctx context.Context, w io.Writer) error // nil offers none
	log    *slog.Logger
	now    func() time.Time
}

func (s *backups) routes(known shapes) []*route {
	return []*route{{method: "GET", path: "/backup", role: access.Admin, tag: "configuration", summary: "Back up everything",
		note: "The state of this moment as one file, for moonwatch restore. It does not hold the key that secrets are sealed with. " +
			"A backup that fails half-way is cut off: restore notices.",
		download: true, gives: []string{"application/octet-stream"}, handle: s.serve}}
}

func (s *backups) serve(c *call) (answer, error) {
	if s.backup == nil {
		return answer{}, refuse(http.StatusServiceUnavailable, "this monitor offers no backup here")
	}
	h := c.w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="moonwatch-%s.backup"`, s.now().UTC().Format("20060102T150405Z")))
	if c.r.Method == http.MethodHead {
		c.w.WriteHeader(http.StatusOK)
		return answer{}, nil
	}
	s.log.Info("a backup begins", "by", c.who.Name)
	out := &begun{w: c.w}
	if err := s.backup(c.r.Context(), out); err != nil {
		s.log.Error("a backup failed", "error", err)
		if !out.any { // as when the files are damaged: that is looked at first
			h.Del("Content-Disposition")
			return answer{}, refuse(http.StatusInternalServerError, err.Error())
		}
		panic(http.ErrAbortHandler) // the client must see that it is not whole
	}
	return answer{}, nil
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
