package public

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"encoding/xml"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/mux"

	"moonwatch/engine"
	"moonwatch/engine/history"
	"moonwatch/engine/state"
	"moonwatch/server/look"
	"moonwatch/server/rest"
)

//go:embed status.html status.css
var statusFiles embed.FS

const (
	StatusDays      = 90
	statusIncidents = 50 // on the page and in the feed
	statusKept      = 20 * time.Second
	StatusPolicy    = "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)

// publicStatus is what everybody may know: names, statuses, times and public notes
// of what is public; never an error, a check or a person.
type publicStatus struct {
	At          time.Time
	Style       string // where the tokens of all pages are served
	Moon        look.Moon
	Worst       statusLook // of what is not in maintenance
	Maintenance bool       // something is
	Services    []publicSubject
	Instances   []publicSubject
	Incidents   []publicIncident

	page, feed []byte // as they are served: visitors cost no more than that
}

type publicSubject struct {
	Name   string
	Status statusLook
	Until  *time.Time // when its maintenance ends, as far as that is known
	Since  *time.Time
	Uptime *float64      // percent over the days; nil when nothing counts
	Strip  template.HTML // a bar for each day
}

type publicIncident struct {
	ID       string
	Name     string
	Severity statusLook
	Opened   time.Time
	Closed   *time.Time
	Updated  time.Time
	Notes    []publicNote
}

type publicNote struct {
	At   time.Time
	Text string
}

// statusCache keeps what was found out for the public page a moment, so that
// many visitors cost no more than one.
type statusCache struct {
	mu   sync.Mutex // held while it is found out: others wait for the same
	last *publicStatus
}

// Register adds what people without an account may see.
func (s *Site) Register(m *mux.Router) {
	m.HandleFunc("/feeds/{token}.ics", s.feed)
	m.HandleFunc("/badge/{service:.+}.svg", s.badge)
	m.HandleFunc("/status", s.statusPage)
	m.HandleFunc("/status.atom", s.statusFeed)
	m.HandleFunc("/status.css", func(w http.ResponseWriter, r *http.Request) {
		rest.NameRoute(w, "/status.css")
		if rest.Reading(w, r) {
			w.Header().Set("Cache-Control", "public, max-age=3600")
			http.ServeFileFS(w, r, statusFiles, "status.css")
		}
	})
}

func (s *Site) statusPage(w http.ResponseWriter, r *http.Request) {
	rest.NameRoute(w, "/status")
	if !rest.Reading(w, r) {
		return
	}
	now, err := s.publicStatus(r.Context())
	if err != nil {
		s.failOutside(w, "the status page could not be drawn", err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", StatusPolicy)
	h.Set("Cache-Control", "public, max-age=30")
	w.Write(now.page)
}

// draw makes the page and the feed.
func (s *Site) draw(now *publicStatus) error {
	var out bytes.Buffer
	if err := statusTemplate().Execute(&out, now); err != nil {
		return fmt.Errorf("draw the status page: %w", err)
	}
	data, err := xml.MarshalIndent(s.atom(now, s.engine.OnCall.Address()), "", " ")
	if err != nil {
		return fmt.Errorf("write the status feed: %w", err)
	}
	now.page, now.feed = out.Bytes(), append(append([]byte(xml.Header), data...), '\n')
	return nil
}

var statusTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("status.html").Funcs(template.FuncMap{
		"stamp": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"when":  func(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") },
		"lasted": func(from time.Time, to *time.Time, now time.Time) string {
			if to != nil {
				now = *to
			}
			return lasted(now.Sub(from))
		},
		"percent": Percent,
		"days":    func() int { return StatusDays },
	}).ParseFS(statusFiles, "status.html"))
})

// Percent is written so that only a whole hundred reads as one.
func Percent(p *float64) string {
	switch {
	case p == nil:
		return "no data"
	case *p > 100-1e-9: // sums of seconds are not exact
		return "100 %"
	}
	return fmt.Sprintf("%.2f %%", float64(int(*p*100))/100)
}

// lasted is a span as people say it, to the minute.
func lasted(d time.Duration) string {
	d = d.Round(time.Minute)
	switch {
	case d < time.Minute:
		return "less than a minute"
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%d d %d h", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}

// publicStatus finds out what the page shows, or takes what was found out just now.
func (s *Site) publicStatus(ctx context.Context) (*publicStatus, error) {
	s.outside.mu.Lock()
	defer s.outside.mu.Unlock()
	now := s.now()
	if last := s.outside.last; last != nil && now.Sub(last.At).Abs() < statusKept && s.stillPublic(last) {
		return last, nil
	}
	found, err := s.findPublic(context.WithoutCancel(ctx), now) // others wait for it too
	if err == nil {
		err = s.draw(found)
	}
	if err == nil {
		s.outside.last = found
	}
	return found, err
}

// stillPublic reports whether the same things are public, and stand, as before.
func (s *Site) stillPublic(last *publicStatus) bool {
	services, instances := s.publicSubjects()
	same := func(now []publicSubject, then []publicSubject) bool {
		return slices.EqualFunc(now, then, func(a, b publicSubject) bool { return a.Name == b.Name && a.Status == b.Status })
	}
	return same(justSubjects(services), last.Services) && same(justSubjects(instances), last.Instances)
}

// subjectKey is a public subject and what it is asked about by.
type subjectKey struct {
	publicSubject
	ref engine.Ref
}

func justSubjects(keys []subjectKey) []publicSubject {
	var out []publicSubject
	for _, k := range keys {
		out = append(out, k.publicSubject)
	}
	return out
}

// publicSubjects are the public services and instances, in order of name.
func (s *Site) publicSubjects() (services, instances []subjectKey) {
	for _, v := range s.engine.Targets.Services() {
		if v.IsPublic {
			services = append(services, s.publicSubject(v.Name, v.OverallStatus, v.Since, engine.Ref{Kind: engine.KindService, ID: v.ID}))
		}
	}
	for _, v := range s.engine.Targets.Instances() {
		if v.IsPublic {
			instances = append(instances, s.publicSubject(v.Name, v.OverallStatus, v.Since, engine.Ref{Kind: engine.KindInstance, ID: v.ID}))
		}
	}
	order := func(a, b subjectKey) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.ref.ID, b.ref.ID))
	}
	slices.SortFunc(services, order)
	slices.SortFunc(instances, order)
	return services, instances
}

// publicSubject is a subject as everybody sees it: what happens in maintenance is
// planned, and nothing that is wrong.
func (s *Site) publicSubject(name string, status engine.Status, since *time.Time, ref engine.Ref) subjectKey {
	p := publicSubject{Name: name, Status: LookOf(status), Since: since}
	if until, ok := s.engine.History.InMaintenance(ref); ok {
		p.Status, p.Since = maintenanceLook(), nil
		if !until.IsZero() {
			p.Until = &until
		}
	}
	return subjectKey{p, ref}
}

func (s *Site) findPublic(ctx context.Context, now time.Time) (*publicStatus, error) {
	out := &publicStatus{At: now.UTC(), Style: s.o.Asset("tokens.css"), Worst: LookOf(engine.StatusPassing)}
	services, instances := s.publicSubjects()
	for _, group := range []struct {
		keys []subjectKey
		into *[]publicSubject
	}{{services, &out.Services}, {instances, &out.Instances}} {
		for _, k := range group.keys {
			p := k.publicSubject
			days, err := s.engine.History.UptimeDays(ctx, state.Term(k.ref), StatusDays, time.UTC)
			if err != nil && engine.KindOf(err) != engine.NotFound { // else it was deleted just now
				return nil, fmt.Errorf("find the uptime of %s: %w", p.Name, err)
			}
			p.bars(days)
			*group.into = append(*group.into, p)
			out.Maintenance = out.Maintenance || p.Status == maintenanceLook()
			if classRank(p.Status.Class) > classRank(out.Worst.Class) {
				out.Worst = p.Status
			}
			if err := s.publicIncidents(ctx, k, now, &out.Incidents); err != nil {
				return nil, err
			}
		}
	}
	out.Moon = moonOf(out)
	slices.SortFunc(out.Incidents, func(a, b publicIncident) int {
		return cmp.Or(b.Opened.Compare(a.Opened), cmp.Compare(b.ID, a.ID))
	})
	out.Incidents = out.Incidents[:min(len(out.Incidents), statusIncidents)]
	return out, nil
}

// moonOf is the moon over what is public: in shadow by the share that is broken.
func moonOf(p *publicStatus) look.Moon {
	broken, all := 0, 0
	for _, group := range [][]publicSubject{p.Services, p.Instances} {
		for _, one := range group {
			all++
			if classRank(one.Status.Class) > classRank("passing") {
				broken++
			}
		}
	}
	return look.MoonOf(broken, all, p.Worst.Class == "critical")
}

func classRank(class string) int {
	return slices.Index([]string{"none", "passing", "warning", "error", "critical"}, class)
}

// bars draws one bar for each day.
func (p *publicSubject) bars(days []history.Uptime) {
	var passing, counted float64
	strip := look.Strip{Room: len(days)}
	for _, u := range days {
		bar := look.Bar{Kind: look.None, Text: "no data"}
		passing += u.Passing
		counted += u.Passing + u.Warning + u.Error + u.Critical
		if u.Percent != nil {
			bar = look.Bar{Kind: dayKind(&u), Text: Percent(u.Percent)}
		}
		bar.Text = u.From.UTC().Format("2 January 2006") + ": " + bar.Text
		strip.Bars = append(strip.Bars, bar)
	}
	if counted > 0 {
		all := 100 * passing / counted
		p.Uptime = &all
	}
	strip.Label = fmt.Sprintf("Uptime over the last %d days: %s", len(days), Percent(p.Uptime))
	p.Strip = strip.Draw()
}

// dayKind is the worst of a day that counts.
func dayKind(u *history.Uptime) look.Kind {
	switch {
	case u.Critical > 0:
		return look.Critical
	case u.Error > 0:
		return look.Error
	case u.Warning > 0:
		return look.Warning
	}
	return look.Passing
}

// publicIncidents adds the incidents of the last days of one subject.
func (s *Site) publicIncidents(ctx context.Context, k subjectKey, now time.Time, into *[]publicIncident) error {
	n := 0
	for v, err := range s.engine.Incidents.ScanIncidents(ctx, engine.Query{Term: state.Term(k.ref), Reverse: true}) {
		if err != nil {
			return fmt.Errorf("list the incidents of %s: %w", k.Name, err)
		}
		if v.Closed != nil && now.Sub(*v.Closed) > StatusDays*24*time.Hour {
			break
		}
		if v.Maintenance {
			continue
		}
		if v.Unplanned != nil {
			v.Opened = *v.Unplanned
		}
		in := publicIncident{
			ID:       v.ID,
			Name:     k.Name,
			Severity: LookOf(v.Severity),
			Opened:   v.Opened.UTC(),
			Closed:   v.Closed,
			Updated:  v.Opened.UTC(),
		}
		if v.Closed != nil {
			in.Updated = v.Closed.UTC()
		}
		for _, note := range v.Notes {
			if !note.Public {
				continue
			}
			in.Notes = append(in.Notes, publicNote{note.At.UTC(), note.Text})
			if note.At.After(in.Updated) {
				in.Updated = note.At.UTC()
			}
		}
		*into = append(*into, in)
		if n++; n == statusIncidents {
			break
		}
	}
	return nil
}

// AtomFeed is the Atom feed of RFC 4287.
type AtomFeed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	Title   string      `xml:"title"`
	ID      string      `xml:"id"`
	Updated string      `xml:"updated"`
	Author  string      `xml:"author>name"`
	Links   []atomLink  `xml:"link"`
	Entries []atomEntry `xml:"entry"`
}

type atomLink struct {
	Rel  string `xml:"rel,attr"`
	Href string `xml:"href,attr"`
}

type atomEntry struct {
	Title     string     `xml:"title"`
	ID        string     `xml:"id"`
	Published string     `xml:"published"`
	Updated   string     `xml:"updated"`
	Links     []atomLink `xml:"link"`
	Content   atomText   `xml:"content"`
}

type atomText struct {
	Type string `xml:"type,attr"`
	Text string `xml:",chardata"`
}

func (s *Site) statusFeed(w http.ResponseWriter, r *http.Request) {
	rest.NameRoute(w, "/status.atom")
	if !rest.Reading(w, r) {
		return
	}
	now, err := s.publicStatus(r.Context())
	if err != nil {
		s.failOutside(w, "the status feed could not be written", err)
		return
	}
	w.Header().Set("Content-Type", "application/atom+xml; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=60")
	w.Write(now.feed)
}

func (s *Site) atom(now *publicStatus, base string) AtomFeed {
	f := AtomFeed{Title: "Status", ID: base + "/status", Author: "Moonwatch", Updated: time.Unix(0, 0).UTC().Format(time.RFC3339),
		Links: []atomLink{{"self", base + "/status.atom"}, {"alternate", base + "/status"}}}
	var latest time.Time
	for _, in := range now.Incidents {
		if in.Updated.After(latest) {
			latest = in.Updated
			f.Updated = latest.Format(time.RFC3339)
		}
		title, text := in.Name+": "+in.Severity.Word, "Began "+in.Opened.Format("2 January 2006, 15:04 UTC")+"."
		if in.Closed != nil {
			title += ", resolved"
			text += " Resolved " + in.Closed.UTC().Format("2 January 2006, 15:04 UTC") + ", after " + lasted(in.Closed.Sub(in.Opened)) + "."
		}
		for _, note := range in.Notes {
			text += "\n\n" + note.At.Format("2 January 2006, 15:04 UTC") + ": " + note.Text
		}
		f.Entries = append(f.Entries, atomEntry{Title: title, ID: "urn:moonwatch:incident:" + in.ID, Published: in.Opened.Format(time.RFC3339),
			Updated: in.Updated.Format(time.RFC3339), Links: []atomLink{{"alternate", base + "/status#incident-" + in.ID}},
			Content: atomText{"text", text}})
	}
	return f
}
