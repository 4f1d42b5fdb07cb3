package host

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// Stub is a Host that never reaches the network: it answers from what was
// prepared, in its own time, and refuses everything else. Of several answers
// that were prepared for one thing the first is given first; the last repeats.
// It is safe for concurrent use, and no method of it blocks.
type Stub struct {
	mu       sync.Mutex // guards what follows
	now      time.Time
	until    time.Time // the deadline of the run under way, in the stub's time; zero is none
	reserve  time.Duration
	http     shelf[*HTTPResponse]
	dials    shelf[[]Step]
	pings    shelf[*PingAnswer]
	lookups  shelf[[]Record]
	certs    shelf[*Certificate]
	execs    shelf[*ExecAnswer]
	mail     shelf[[]string]
	requests []HTTPRequest
	mails    []Mail
	missing  []string
	random   *rand.ChaCha8 // nil: not asked yet
}

var (
	_ Host    = (*Stub)(nil)
	_ Sleeper = (*Stub)(nil)
)

// NewStub returns a Stub with nothing prepared, whose clock stands at now.
func NewStub(now time.Time) *Stub {
	return &Stub{
		now: now, http: shelf[*HTTPResponse]{}, dials: shelf[[]Step]{}, pings: shelf[*PingAnswer]{}, lookups: shelf[[]Record]{},
		certs: shelf[*Certificate]{}, execs: shelf[*ExecAnswer]{}, mail: shelf[[]string]{},
	}
}

// shelf holds what was prepared, by what it is prepared for.
type shelf[T any] map[string]*queue[T]

type queue[T any] struct {
	items []prepared[T]
	used  int
}

// prepared is an answer, or an error in its place.
type prepared[T any] struct {
	answer T
	err    *Error
}

func (s shelf[T]) put(key string, answer T, err *Error) {
	if s[key] == nil {
		s[key] = &queue[T]{}
	}
	s[key].items = append(s[key].items, prepared[T]{answer, err})
}

// take returns the next answer for key.
func (s shelf[T]) take(key string) (answer T, err error, ok bool) {
	q := s[key]
	if q == nil {
		return answer, nil, false
	}
	item := q.items[min(q.used, len(q.items)-1)]
	q.used++
	if item.err != nil {
		return item.answer, item.err, true
	}
	return item.answer, nil, true
}

// maxNamed is how many of the prepared things a complaint names.
const maxNamed = 3

// refuse notes a request for which nothing is prepared. what is how it is
// written, known are the things of its kind that are prepared.
func (s *Stub) refuse(what string, known []string) error {
	text := "no stub for " + what
	slices.Sort(known)
	if len(known) > maxNamed {
		known = append(known[:maxNamed:maxNamed], "…")
	}
	if len(known) > 0 {
		text += "; there is one for " + strings.Join(known, ", ")
	}
	return s.fault(text)
}

// fault notes that what was done does not fit what is prepared.
func (s *Stub) fault(text string) error {
	s.missing = append(s.missing, text)
	return &Error{Denied, text}
}

func (s shelf[T]) keys() []string {
	keys := make([]string, 0, len(s))
	for key := range s {
		keys = append(keys, strings.ReplaceAll(key, "\x00", " "))
	}
	return keys
}

// Missing returns what was asked for and not prepared, in order.
func (s *Stub) Missing() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.missing)
}

// Mails returns the messages that were sent or tried, in order.
func (s *Stub) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// OnMail prepares what becomes of one message: it is taken, but for the
// recipients named, or fails with err.
func (s *Stub) OnMail(refused []string, err *Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mail.put("", refused, err)
}

// Mail takes a message, as far as one is prepared for.
func (s *Stub) Mail(_ context.Context, mail *Mail) ([]string, error) {
	if _, err := compose(mail); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mails = append(s.mails, *mail)
	refused, err, ok := s.mail.take("")
	if !ok {
		return nil, s.refuse("mail to "+strings.Join(append(slices.Clone(mail.To), mail.Cc...), ", ")+" through "+hostPort(mail.Host, mail.port()), nil)
	}
	return slices.Clone(refused), err
}

// OnPing prepares an answer of a host. In an answer with nothing sent, what was
// asked for counts as sent; with fewer than 0 received, all that was sent. The
// loss follows from both.
func (s *Stub) OnPing(host string, answer *PingAnswer, err *Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pings.put(hostKey(host), answer, err)
}

// Ping answers as prepared.
func (s *Stub) Ping(_ context.Context, req *PingRequest) (*PingAnswer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	prepared, err, ok := s.pings.take(hostKey(req.Host))
	if !ok {
		return nil, s.refuse("a ping of "+req.Host, s.pings.keys())
	}
	if err != nil {
		return nil, err
	}
	answer := *prepared
	if answer.Sent == 0 {
		if answer.Sent = req.Count; answer.Sent == 0 {
			answer.Sent = 3 // as the network does
		}
		answer.Sent = max(answer.Sent, answer.Received)
	}
	if answer.Received < 0 {
		answer.Received = answer.Sent
	}
	answer.Loss = 100 * float64(answer.Sent-answer.Received) / float64(answer.Sent)
	return &answer, nil
}

// OnLookup prepares the records of a name.
func (s *Stub) OnLookup(name, recordType string, records []Record, err *Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lookups.put(lookupKey(name, recordType), records, err)
}

// Lookup answers as prepared, whichever server is asked.
func (s *Stub) Lookup(_ context.Context, req *LookupRequest) ([]Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := lookupKey(req.Name, req.Type)
	records, err, ok := s.lookups.take(key)
	if !ok {
		return nil, s.refuse("a look-up of "+key, s.lookups.keys())
	}
	return slices.Clone(records), err
}

func lookupKey(name, recordType string) string {
	if recordType == "" {
		recordType = "A"
	}
	return hostKey(name) + " " + strings.ToUpper(recordType)
}

// hostKey is a name without what DNS does not tell apart.
func hostKey(name string) string {
	if ascii, err := asciiName(name); err == nil {
		name = ascii
	}
	return strings.TrimSuffix(strings.ToLower(name), ".")
}

// OnCertificate prepares the certificate of a server.
func (s *Stub) OnCertificate(host string, port int, cert *Certificate, err *Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.certs.put(hostPort(hostKey(host), port), cert, err)
}

// Certificate answers as prepared.
func (s *Stub) Certificate(_ context.Context, req *CertificateRequest) (*Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := hostPort(hostKey(req.Host), req.Port)
	prepared, err, ok := s.certs.take(key)
	if !ok {
		return nil, s.refuse("the certificate of "+key, s.certs.keys())
	}
	if err != nil {
		return nil, err
	}
	cert := *prepared
	return &cert, nil
}

// Random fills data with bytes that are the same for every new Stub.
func (s *Stub) Random(data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.random == nil {
		s.random = rand.NewChaCha8([32]byte{1})
	}
	s.random.Read(data) // cannot fail
}

// OnExec prepares the end of a program that is run with exactly these arguments.
func (s *Stub) OnExec(argv []string, answer *ExecAnswer, err *Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.execs.put(strings.Join(argv, "\x00"), answer, err)
}

// Exec answers as prepared.
func (s *Stub) Exec(_ context.Context, req *ExecRequest) (*ExecAnswer, error) {
	if !strings.HasPrefix(req.Path, "/") {
		return nil, &Error{Invalid, "the program must be an absolute path, got " + given(req.Path)}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	argv := append([]string{req.Path}, req.Args...)
	prepared, err, ok := s.execs.take(strings.Join(argv, "\x00"))
	if !ok {
		return nil, s.refuse("the program "+strings.Join(argv, " "), s.execs.keys())
	}
	if err != nil && prepared == nil {
		return nil, err
	}
	answer := *prepared
	if err != nil { // what was printed until then
		return &answer, err
	}
	return &answer, nil
}
