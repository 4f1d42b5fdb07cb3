package subjects

import (
	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/lookup"
)

// Pages are the pages of services and instances.
type Pages struct{ *lookup.Lookup }

// New returns the pages.
func New(find *lookup.Lookup) *Pages { return &Pages{find} }

// Routes adds the pages, each with the role that it needs.
func (w *Pages) Routes(get, post frame.Registering) {
	for _, kind := range []engine.Kind{engine.KindService, engine.KindInstance} {
		base := "/" + string(kind) + "s"
		get(base, w.Need(access.Viewer, w.subjectsPage(kind)))
		get(base+"/new", w.Need(access.Editor, w.newSubjectForm(kind)))
		post(base+"/new", w.Need(access.Editor, w.saveNewSubject(kind)))
		get(base+"/{id}", w.Need(access.Viewer, w.subjectPage(kind)))
		get(base+"/{id}/edit", w.Need(access.Editor, w.subjectEditForm(kind)))
		post(base+"/{id}/edit", w.Need(access.Editor, w.saveOldSubject(kind)))
		get(base+"/{id}/duplicate", w.Need(access.Editor, w.duplicateSubject(kind)))
		get(base+"/{id}/delete", w.Need(access.Editor, w.deleteSubjectPage(kind)))
		post(base+"/{id}/delete", w.Need(access.Editor, w.deleteSubject(kind)))
		post(base+"/{id}/run", w.Need(access.Operator, w.runSubject(kind)))
	}
}
