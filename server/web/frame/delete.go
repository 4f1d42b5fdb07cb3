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

// DeleteRevision is the revision that the page which asked was drawn from, nil
// when none was posted.
func (q *Request) DeleteRevision() *uint64 {
	if n := Revision(q.PostForm); n > 0 {
		return &n
	}
	return nil
}
