package frame

import (
	"net/http"
)

// DeletePage asks before something is deleted.
type DeletePage struct {
	What, Name string
	Effects    []string
	Action     string
	Back       string
	Revision   uint64
}

// AskDelete draws the page that asks before a deletion.
func (w *Frame) AskDelete(q *Request, nav string, d DeletePage) error {
	p := w.NewPage(q, "Delete "+d.Name, nav)
	p.Body = d
	w.Render(q.Writer, http.StatusOK, "delete", p)
	return nil
}
