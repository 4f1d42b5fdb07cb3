package web

import (
	"slices"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/edit"
	"moonwatch/engine/form"
	"moonwatch/engine/monitor"
	"moonwatch/server/web/frame"
)

// subject is a service or an instance, as far as their pages are alike.
type subject struct {
	Kind      engine.Kind
	Meta      engine.Meta
	Name      string
	URL       string // services
	Address   string // instances
	Instances []string
	Alerting  engine.Alerting
	View      edit.SubjectView
}

// Path is the address of the subject's page.
func (s *subject) Path() string { return "/" + s.Plural() + "/" + s.Meta.ID }

// Plural is the word in addresses: "services".
func (s *subject) Plural() string { return string(s.Kind) + "s" }

// Ref names the subject.
func (s *subject) Ref() engine.Ref { return engine.Ref{Kind: s.Kind, ID: s.Meta.ID} }

// subjectNow is a subject as clients see it.
func (w *lookup) subjectNow(kind engine.Kind, id string) (*subject, error) {
	if kind == engine.KindService {
		v, err := w.Engine.Targets.Service(id)
		return ofService(v.Service, v.SubjectView), err
	}
	v, err := w.Engine.Targets.Instance(id)
	return ofInstance(v.Instance, v.SubjectView), err
}

// subjectStored is a subject as an edit begins from it.
func (w *lookup) subjectStored(kind engine.Kind, id string) (*subject, error) {
	if kind == engine.KindService {
		s, err := w.Engine.Targets.StoredService(id)
		return ofService(s, edit.SubjectView{}), err
	}
	i, err := w.Engine.Targets.StoredInstance(id)
	return ofInstance(i, edit.SubjectView{}), err
}

func newSubject(kind engine.Kind) *subject {
	if kind == engine.KindService {
		return ofService(engine.NewService(), edit.SubjectView{})
	}
	return ofInstance(engine.NewInstance(), edit.SubjectView{})
}

func ofService(s engine.Service, v edit.SubjectView) *subject {
	return &subject{Kind: engine.KindService, Meta: s.Meta, Name: s.Name, URL: s.URL, Instances: s.Instances, Alerting: s.Alerting, View: v}
}

func ofInstance(i engine.Instance, v edit.SubjectView) *subject {
	return &subject{Kind: engine.KindInstance, Meta: i.Meta, Name: i.Name, Address: i.Address, Alerting: i.Alerting, View: v}
}

// subjects are all of a kind in order of name.
func (w *lookup) subjects(kind engine.Kind) []*subject {
	var out []*subject
	if kind == engine.KindService {
		for _, s := range w.Engine.Targets.Services() {
			out = append(out, ofService(s.Service, s.SubjectView))
		}
	} else {
		for _, i := range w.Engine.Targets.Instances() {
			out = append(out, ofInstance(i.Instance, i.SubjectView))
		}
	}
	slices.SortFunc(out, func(a, b *subject) int {
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	return out
}

// saveSubject saves a subject and returns its id.
func saveSubject(q *frame.Request, e *monitor.Monitor, s *subject) (string, error) {
	if s.Kind == engine.KindService {
		saved, err := e.Targets.SaveService(q.Context(), q.By(), s.service())
		if err != nil {
			return "", err
		}
		return saved.ID, nil
	}
	saved, err := e.Targets.SaveInstance(q.Context(), q.By(), s.instance())
	if err != nil {
		return "", err
	}
	return saved.ID, nil
}

// validateSubject says what saveSubject would refuse.
func validateSubject(q *frame.Request, e *monitor.Monitor, s *subject) error {
	if s.Kind == engine.KindService {
		return e.Targets.ValidateService(q.Context(), q.By(), s.service())
	}
	return e.Targets.ValidateInstance(q.Context(), q.By(), s.instance())
}

func (s *subject) service() engine.Service {
	return engine.Service{Meta: s.Meta, Name: s.Name, URL: s.URL, Instances: s.Instances, Alerting: s.Alerting}
}

func (s *subject) instance() engine.Instance {
	return engine.Instance{Meta: s.Meta, Name: s.Name, Address: s.Address, Alerting: s.Alerting}
}

// nameOfUser finds a user's name; one who is gone keeps the id.
func (w *lookup) nameOfUser(id string) string {
	if u, err := w.Engine.Users.User(id); err == nil {
		return u.Username
	}
	return id
}

// repeatOf is how often an open incident of a severity is told again.
func repeatOf(settings engine.Settings, severity engine.Status) time.Duration {
	return settings.RepeatInterval[severity].Std()
}

// alertSettings are the stored settings of an alert plugin, nil where it is not chosen.
func (s *subject) alertSettings(slug string) form.Values {
	for _, choice := range s.Alerting.Alerts {
		if choice.Plugin == slug {
			return choice.Settings
		}
	}
	return nil
}
