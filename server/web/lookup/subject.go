package lookup

import (
	"slices"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/edit"
	"moonwatch/engine/form"
	"moonwatch/engine/monitor"
	"moonwatch/server/web/frame"
)

// Subject is a service or an instance, as far as their pages are alike.
type Subject struct {
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
func (s *Subject) Path() string { return "/" + s.Plural() + "/" + s.Meta.ID }

// Plural is the word in addresses: "services".
func (s *Subject) Plural() string { return string(s.Kind) + "s" }

// Ref names the subject.
func (s *Subject) Ref() engine.Ref { return engine.Ref{Kind: s.Kind, ID: s.Meta.ID} }

// Link leads to the subject's page.
func (s *Subject) Link() frame.Link {
	return frame.Link{Kind: s.Plural(), ID: s.Meta.ID, Name: s.Name, Status: frame.Standing(s.View.OverallStatus)}
}

// SubjectNow is a subject as clients see it.
func (w *Lookup) SubjectNow(kind engine.Kind, id string) (*Subject, error) {
	if kind == engine.KindService {
		v, err := w.Engine.Targets.Service(id)
		return ofService(v.Service, v.SubjectView), err
	}
	v, err := w.Engine.Targets.Instance(id)
	return ofInstance(v.Instance, v.SubjectView), err
}

// SubjectStored is a subject as an edit begins from it.
func (w *Lookup) SubjectStored(kind engine.Kind, id string) (*Subject, error) {
	if kind == engine.KindService {
		s, err := w.Engine.Targets.StoredService(id)
		return ofService(s, edit.SubjectView{}), err
	}
	i, err := w.Engine.Targets.StoredInstance(id)
	return ofInstance(i, edit.SubjectView{}), err
}

// NewSubject is a subject with what new ones begin with.
func NewSubject(kind engine.Kind) *Subject {
	if kind == engine.KindService {
		return ofService(engine.NewService(), edit.SubjectView{})
	}
	return ofInstance(engine.NewInstance(), edit.SubjectView{})
}

func ofService(s engine.Service, v edit.SubjectView) *Subject {
	return &Subject{Kind: engine.KindService, Meta: s.Meta, Name: s.Name, URL: s.URL, Instances: s.Instances, Alerting: s.Alerting, View: v}
}

func ofInstance(i engine.Instance, v edit.SubjectView) *Subject {
	return &Subject{Kind: engine.KindInstance, Meta: i.Meta, Name: i.Name, Address: i.Address, Alerting: i.Alerting, View: v}
}

// Subjects are all of a kind in order of name.
func (w *Lookup) Subjects(kind engine.Kind) []*Subject {
	var out []*Subject
	if kind == engine.KindService {
		for _, s := range w.Engine.Targets.Services() {
			out = append(out, ofService(s.Service, s.SubjectView))
		}
	} else {
		for _, i := range w.Engine.Targets.Instances() {
			out = append(out, ofInstance(i.Instance, i.SubjectView))
		}
	}
	slices.SortFunc(out, func(a, b *Subject) int {
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	return out
}

// SaveSubject saves a subject and returns its id.
func SaveSubject(q *frame.Request, e *monitor.Monitor, s *Subject) (string, error) {
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

// ValidateSubject says what SaveSubject would refuse.
func ValidateSubject(q *frame.Request, e *monitor.Monitor, s *Subject) error {
	if s.Kind == engine.KindService {
		return e.Targets.ValidateService(q.Context(), q.By(), s.service())
	}
	return e.Targets.ValidateInstance(q.Context(), q.By(), s.instance())
}

func (s *Subject) service() engine.Service {
	return engine.Service{Meta: s.Meta, Name: s.Name, URL: s.URL, Instances: s.Instances, Alerting: s.Alerting}
}

func (s *Subject) instance() engine.Instance {
	return engine.Instance{Meta: s.Meta, Name: s.Name, Address: s.Address, Alerting: s.Alerting}
}

// AlertSettings are the stored settings of an alert plugin, nil where it is not chosen.
func (s *Subject) AlertSettings(slug string) form.Values {
	for _, choice := range s.Alerting.Alerts {
		if choice.Plugin == slug {
			return choice.Settings
		}
	}
	return nil
}

// EverySubject are all services, then all instances.
func (w *Lookup) EverySubject() []*Subject {
	return append(w.Subjects(engine.KindService), w.Subjects(engine.KindInstance)...)
}
