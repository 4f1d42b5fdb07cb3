package web

import (
	"net/http"
)

// deletePage asks before something is deleted.
type deletePage struct {
	What, Name string
	Effects    []string
	Action     string
	Back       string
	Revision   uint64
}

func (w *frame) askDelete(q *request, nav string, d deletePage) error {
	p := w.newPage(q, "Delete "+d.Name, nav)
	p.Body = d
	w.render(q.rw, http.StatusOK, "delete", p)
	return nil
}
