package alerting

import (
	"net/url"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/webform"
)

// The quick actions of operators: to acknowledge what is broken, to note
// something on an incident, to send oneself a test.

// untilRecovery is posted for an acknowledgement without an end.
const untilRecovery = "recovery"

// AckSpans are offered for an acknowledgement, the default first.
func AckSpans() []webform.Option {
	return []webform.Option{{Value: "20m", Label: "for 20 minutes"}, {Value: "1h", Label: "for 1 hour"}, {Value: "4h", Label: "for 4 hours"},
		{Value: "1d", Label: "for a day"}, {Value: untilRecovery, Label: "until it recovers"}}
}

// AckSpan reads how long something is acknowledged; nil is the default.
func AckSpan(text string) (*time.Duration, error) {
	switch text {
	case "":
		return nil, nil
	case untilRecovery:
		return new(time.Duration), nil
	}
	d, err := form.ParseDuration(text)
	if err != nil || d <= 0 {
		return nil, &engine.Error{Kind: engine.Invalid, Message: "choose how long it is acknowledged"}
	}
	return &d, nil
}

func (w *Pages) acknowledge(kind engine.Kind) frame.Handler {
	return func(q *frame.Request) error {
		o := engine.AckOptions{Comment: strings.TrimSpace(q.PostForm.Get("comment")), IncidentKey: q.PostForm.Get("key")}
		var err error
		if o.ExpiresIn, err = AckSpan(q.PostForm.Get("for")); err != nil {
			return err
		}
		ref := engine.Ref{Kind: kind, ID: q.ID()}
		if _, err := w.Engine.Incidents.Acknowledge(q.Context(), q.By(), ref, o); err != nil {
			return frame.Plainly(err)
		}
		return q.Back("/"+string(kind)+"s/"+url.PathEscape(ref.ID), "acknowledged")
	}
}

func (w *Pages) unacknowledge(kind engine.Kind) frame.Handler {
	return func(q *frame.Request) error {
		ref := engine.Ref{Kind: kind, ID: q.ID()}
		if err := w.Engine.Incidents.Unacknowledge(q.Context(), q.By(), ref); err != nil {
			return err
		}
		return q.Back("/"+string(kind)+"s/"+url.PathEscape(ref.ID), "unacknowledged")
	}
}

// testAlert sends a test to the caller alone and shows what becomes of it.
func (w *Pages) testAlert(kind engine.Kind) frame.Handler {
	return func(q *frame.Request) error {
		d, err := w.Engine.Incidents.TestAlert(q.Context(), q.By(), engine.Ref{Kind: kind, ID: q.ID()}, q.PostForm.Get("plugin"))
		if err != nil {
			return frame.Plainly(err)
		}
		w.Engine.Incidents.AwaitAttempts(q.Context(), 2*time.Second)
		return q.Redirect("/deliveries/" + url.PathEscape(d.ID) + "?done=tested")
	}
}

func (w *Pages) addNote(q *frame.Request) error {
	add := w.Engine.Incidents.AddNote
	if q.PostForm.Get("public") != "" {
		add = w.Engine.Incidents.AddPublicNote
	}
	if _, err := add(q.Context(), q.By(), q.ID(), strings.TrimSpace(q.PostForm.Get("text"))); err != nil {
		return frame.Plainly(err)
	}
	return q.Redirect("/incidents/" + url.PathEscape(q.ID()) + "?done=noted#notes")
}

// AckView is what the form to acknowledge needs to know.
type AckView struct {
	ID    string // makes the ids of its inputs unique on the page
	Path  string // of the service or instance
	Key   string // of the incident, "" for whichever is open
	Back  string
	Ack   *engine.Acknowledgement
	Spans []webform.Option
}

func AckOf(path, id, key, back string, ack *engine.Acknowledgement) *AckView {
	return &AckView{ID: "ack-" + id, Path: path, Key: key, Back: back, Ack: ack, Spans: AckSpans()}
}
