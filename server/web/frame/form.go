package frame

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/server/web/webform"
)

// FormPage is what pages with a form have in common.
type FormPage struct {
	Action   string // where it is posted to
	Back     string // where "Cancel" leads
	Save     string // the word on the button
	Errors   []webform.Error
	Message  string // what else there is to say of the last attempt
	Revision uint64
	Own      webform.View // the engine's own fields
}

// Head is the first group of the own fields: it stands before a plugin's.
func (f FormPage) Head() webform.View {
	return webform.View{Groups: f.Own.Groups[:min(1, len(f.Own.Groups))]}
}

// Tail are the other groups.
func (f FormPage) Tail() webform.View {
	return webform.View{Groups: f.Own.Groups[min(1, len(f.Own.Groups)):]}
}

// Revision is the one that the page was drawn from.
func Revision(posted url.Values) uint64 {
	n, _ := strconv.ParseUint(posted.Get("revision"), 10, 64)
	return n
}

// CleanOwn cleans the engine's own fields and notes what is wrong.
func (q *Request) CleanOwn(f form.Form, raw map[string]any, errs webform.Errors) (form.Values, bool) {
	values, bad := f.Clean(q.Context(), raw, form.Options{})
	errs.AddAll(bad)
	return values, len(bad) == 0
}

// Outcome says how a save that did not go well is answered: the page again with
// what was typed. An error that is not about what was typed is returned.
func Outcome(err error, what string, errs webform.Errors) (status int, message string, rest error) {
	if err == nil { // what is wrong was found before
		return http.StatusUnprocessableEntity, "", nil
	}
	var e *engine.Error
	if !errors.As(err, &e) {
		return 0, "", err
	}
	switch e.Kind {
	case engine.Stale:
		return http.StatusPreconditionFailed, "Somebody else saved this " + what + " while you were editing it. What you typed is still here: " +
			"save again to put it in place of theirs, or open the " + what + " in another tab to compare.", nil
	case engine.NotFound:
		return http.StatusNotFound, "This " + what + " was deleted while you were editing it. What you typed is still here: saving makes a new one of it.", nil
	case engine.Invalid, engine.Conflict:
		status, _ = StatusOf(e.Kind)
		return status, "", errs.AddError(err)
	case engine.Unavailable:
		return http.StatusServiceUnavailable, webform.Sentence(e.Message) + " Nothing was saved; what you typed is still here.", nil
	}
	return 0, "", err
}

// Only leaves of the engine's complaints about values those at and below a location:
// nil when there are none. Other errors stay.
func Only(err error, location string) error {
	var e *engine.Error
	if !errors.As(err, &e) || e.Kind != engine.Invalid {
		return err
	}
	part := *e
	part.Fields = slices.DeleteFunc(slices.Clone(e.Fields), func(one form.Error) bool {
		rest, ok := strings.CutPrefix(one.Location, location)
		return !ok || rest != "" && rest[0] != '.' && rest[0] != '['
	})
	if len(part.Fields) == 0 {
		return nil
	}
	return &part
}

// Below puts a prefix before the locations of the complaints of the engine.
func Below(err error, prefix string) error {
	var e *engine.Error
	if !errors.As(err, &e) {
		return err
	}
	moved := *e
	moved.Fields = slices.Clone(e.Fields)
	for i := range moved.Fields {
		moved.Fields[i].Location = strings.TrimSuffix(prefix+"."+moved.Fields[i].Location, ".")
	}
	return &moved
}

// TextOf is a raw value that is text, or "".
func TextOf(v any) string {
	s, _ := v.(string)
	return s
}

// OwnPage is a page of one of the engine's own forms.
type OwnPage struct {
	FormPage
	Crumbs []Crumb
}

// Crumb is one step of the way to a page.
type Crumb struct{ Label, Path string }
