package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/form"
	"moonwatch/engine/monitor"
	"moonwatch/engine/state"
	"moonwatch/server/auth"
	"moonwatch/server/rest"
)

// Pace is the timing of event streams.
type Pace struct {
	Batch   time.Duration // least time between two updates of a stream
	Comment time.Duration // between two signs of life
	Blocked time.Duration // a write that takes longer closes the stream
	Asked   time.Duration // between two looks at whether the caller may still listen
}

// DefaultPace is that of a monitor: at most 4 updates a second, a sign of life every 15.
func DefaultPace() Pace {
	return Pace{Batch: 250 * time.Millisecond, Comment: 15 * time.Second, Blocked: 5 * time.Second, Asked: time.Second}
}

// events are streams of live changes.
type events struct {
	engine  *monitor.Monitor
	auth    *auth.Sessions
	log     *slog.Logger
	streams *rest.Streams
	pace    Pace
	plugins *plugins
}

// eventType is a sort of object that streams tell of.
type eventType struct {
	kind engine.Kind
	role access.Role
}

// eventTypes are the types in the order of the document.
func eventTypes() []eventType {
	return []eventType{
		{engine.KindService, access.Viewer}, {engine.KindInstance, access.Viewer}, {engine.KindCheck, access.Viewer},
		{state.KindResult, access.Viewer}, {engine.KindIncident, access.Viewer}, {engine.KindDelivery, access.Viewer},
		{engine.KindSilence, access.Viewer}, {engine.KindRota, access.Viewer}, {state.KindPlugin, access.Viewer}, {engine.KindUser, access.Viewer}, {engine.KindToken, access.Viewer},
		{engine.KindSettings, access.Admin}, {engine.KindPluginSettings, access.Admin},
	}
}

func eventRole(kind engine.Kind) (access.Role, bool) {
	for _, t := range eventTypes() {
		if t.kind == kind {
			return t.role, true
		}
	}
	return "", false
}

func (s *events) routes(known rest.Shapes) []*rest.Route {
	text := rest.Scalar(rest.TextShape)
	var names []string
	for _, t := range eventTypes() {
		names = append(names, string(t.kind))
	}
	return []*rest.Route{{
		Method:  "GET",
		Path:    "/events",
		Role:    access.Viewer,
		Tag:     "events",
		Summary: "Live changes as server-sent events",
		Stream:  true,
		Note: "The event's name is the object's type, its data the object as its own address gives it, or {\"id\", \"deleted\": true}. " +
			"At most 4 updates a second, with the latest of each object. Last-Event-ID resumes; event resync says that changes were lost.",
		Params: []rest.Param{
			rest.NewParam("types", text, "only these types, separated by commas: "+strings.Join(names, ", ")),
			rest.NewParam("service", text, "only what concerns this service: itself, what it is linked to, its checks and their results, its incidents and deliveries, "+
				"its rotas, the silences that cover any of it, and the settings"),
			rest.NewParam("check", text, "only what concerns this check: itself and its results, its plugin, its services and instances, the silences that name it, and the settings"),
			rest.NewParam("topic", text, "a query of types, service and check, as types=check%26check=ID; may be given several times. The stream then has events touched alone, "+
				"whose data names the types of what changed by the topic's number from 0 on: {\"0\": [\"check\", \"result\"]}"),
			rest.NewParam("after", text, "as Last-Event-ID, for clients that cannot set it"),
		},
		Handle: s.serve,
	}}
}

// deletedView stands for an object that is gone.
type deletedView struct {
	ID      string `json:"id"`
	Deleted bool   `json:"deleted"`
}

// stream is one client that listens.
type stream struct {
	*events
	c        *rest.Call
	listener *state.Listener
	out      *http.ResponseController
	role     access.Role

	topic          // what it tells of
	topics []topic // of which it tells only that they were touched; nil: it tells of objects
	back   bool    // the client was here before, and has not been sent anything yet
}

// maxTopics is how many topics one stream may have.
const maxTopics = 100

// topic is what somebody wants to hear of.
type topic struct {
	types    []string // nil: all
	service  string
	check    string
	concerns [2]concern // of service and check
}

// newTopic reads a topic from the parameters types, service and check.
func newTopic(e *monitor.Monitor, q url.Values) (t topic, ok bool) {
	t.service, t.check = q.Get("service"), q.Get("check")
	for _, part := range q["types"] {
		for name := range strings.SplitSeq(part, ",") {
			if _, known := eventRole(engine.Kind(name)); !known {
				return t, false
			}
			t.types = append(t.types, name)
		}
	}
	if id := t.service; id != "" {
		t.concerns[0].find = func() map[engine.Key]bool {
			return e.RelatedToTarget(engine.Ref{Kind: engine.KindService, ID: id})
		}
	}
	if id := t.check; id != "" {
		t.concerns[1].find = func() map[engine.Key]bool { return e.RelatedToCheck(id) }
	}
	return t, true
}

func (t *topic) look() {
	for i := range t.concerns {
		t.concerns[i].look()
	}
}

// passes reports whether a change concerns the topic, as far as the change itself
// says: whose an incident is, is seen when it is read.
func (t *topic) passes(change state.Change) bool {
	key := engine.Key{Kind: change.Kind, ID: change.ID}
	switch change.Kind {
	case engine.KindSettings:
		return true
	case engine.KindIncident, engine.KindDelivery:
		return t.check == ""
	case state.KindResult:
		key.Kind = engine.KindCheck
	}
	return t.concerns[0].passes(key) && t.concerns[1].passes(key)
}

// has reports whether the topic is of such a type.
func (t *topic) has(kind engine.Kind) bool {
	return t.types == nil || slices.Contains(t.types, string(kind))
}

// concern is what a stream of one service or check is told of.
type concern struct {
	find        func() map[engine.Key]bool // nil: there is no filter
	now, before map[engine.Key]bool        // before: at the last time, for what left since
}

// look finds again what concerns the stream.
func (f *concern) look() {
	if f.find != nil {
		f.before, f.now = f.now, f.find()
	}
}

func (f *concern) passes(key engine.Key) bool { return f.find == nil || f.now[key] || f.before[key] }

func (s *events) serve(c *rest.Call) (rest.Answer, error) {
	st := &stream{events: s, c: c, out: http.NewResponseController(c.Writer), role: c.Who.Role}
	if err := st.readTopics(); err != nil {
		return rest.Answer{}, err
	}
	if c.Request.Method == http.MethodHead {
		c.Writer.Header().Set("Content-Type", "text/event-stream")
		c.Writer.WriteHeader(http.StatusOK)
		return rest.Answer{}, nil
	}
	leave, err := s.streams.Enter(c.Who.User, s.auth.Remote(c.Request).Visitor())
	if err != nil {
		return rest.Answer{}, err
	}
	defer leave()
	rest.PacesItself(c.Writer)
	st.open()
	defer st.listener.Close()
	st.run()
	return rest.Answer{}, nil
}

func (st *stream) readTopics() error {
	var ok bool
	if st.topic, ok = newTopic(st.engine, st.c.Query); !ok {
		return rest.Invalid(form.Error{Location: "types", Code: form.CodeInvalid, Message: "there is no such type of event"})
	}
	for i, text := range st.c.Query["topic"] {
		q, err := url.ParseQuery(text)
		one, ok := newTopic(st.engine, q)
		if err != nil || !ok || i == maxTopics {
			return rest.Invalid(form.Error{Location: "topic", Code: form.CodeInvalid, Message: fmt.Sprintf("topic %d is no query of types that there are, or there are more than %d", i, maxTopics)})
		}
		st.topics = append(st.topics, one)
	}
	return nil
}

// open begins the answer, and tells a client that comes back too late so.
func (st *stream) open() {
	header := cmp.Or(st.c.Request.Header.Get("Last-Event-ID"), st.c.Query.Get("after"))
	seq, err := strconv.ParseUint(header, 10, 64)
	if header == "" {
		seq = 0
	}
	now := st.engine.Hub.Seq()
	listener, resync := st.engine.Hub.Listen(seq)
	resync = resync || header != "" && (err != nil || seq == 0)
	st.listener, st.back = listener, seq > 0
	st.look()
	h := st.c.Writer.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	st.out.SetReadDeadline(time.Time{}) // not every writer has deadlines: then there are none
	st.c.Writer.WriteHeader(http.StatusOK)
	text := ": connected\n\n"
	if resync {
		text += resyncEvent(now)
	} else if st.topics != nil && seq == 0 { // from here on a client can resume
		text += fmt.Sprintf("event: touched\nid: %d\ndata: {}\n\n", now)
	}
	st.write(text)
}

func (st *stream) look() {
	st.topic.look()
	for i := range st.topics {
		st.topics[i].look()
	}
}

func resyncEvent(seq uint64) string { return fmt.Sprintf("event: resync\nid: %d\ndata: {}\n\n", seq) }

// write sends text within the time that a stream may block.
func (st *stream) write(text string) bool {
	st.out.SetWriteDeadline(time.Now().Add(st.pace.Blocked))
	if _, err := st.c.Writer.Write([]byte(text)); err != nil {
		return false
	}
	return st.out.Flush() == nil
}

// run sends changes until the client goes, may no longer listen, or the engine stops.
func (st *stream) run() {
	alive := time.NewTicker(st.pace.Comment)
	defer alive.Stop()
	asked := time.NewTicker(st.pace.Asked)
	defer asked.Stop()
	next := time.NewTimer(time.Hour)
	next.Stop()
	defer next.Stop()
	bell := st.listener.Bell
	for {
		select {
		case <-bell:
			bell = nil // no more until the time of the next update
			if !st.allowed() || !st.send() {
				return
			}
			next.Reset(st.pace.Batch)
		case <-next.C:
			bell = st.listener.Bell
		case <-asked.C: // a session that ends is no change that anybody is told of
			if !st.allowed() {
				return
			}
		case <-alive.C:
			if !st.allowed() || !st.write(": alive\n\n") {
				return
			}
		case <-st.listener.Done:
			if st.allowed() {
				st.send()
			}
			return
		case <-st.c.Request.Context().Done():
			return
		}
	}
}

// allowed asks again whether the caller may listen.
func (st *stream) allowed() bool {
	role, ok := st.c.Who.Still()
	st.role = role
	return ok && role.Can(access.Viewer)
}

// send writes all changes since the last time.
func (st *stream) send() bool {
	now := st.engine.Hub.Seq() // all changes up to here can be taken
	changes, lost := st.listener.Take()
	if lost {
		return st.write(resyncEvent(now))
	}
	slices.SortFunc(changes, func(a, b state.Change) int {
		return cmp.Or(cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
	})
	st.look()
	if st.topics != nil {
		return st.touch(changes, now)
	}
	var wanted []state.Change
	for _, change := range changes {
		if st.wants(change) {
			wanted = append(wanted, change)
		}
	}
	defer func() { st.back = false }()
	var b strings.Builder
	for i, change := range wanted {
		data, ok := st.data(change)
		if !ok {
			continue
		}
		// All but the last event of a commit bear the number before it, so that
		// a client that comes back in between loses none of them. Of commits
		// later than now there may be more to come.
		id := change.Seq
		if id > now || i+1 < len(wanted) && wanted[i+1].Seq == id {
			id--
		}
		fmt.Fprintf(&b, "event: %s\nid: %d\ndata: %s\n\n", change.Kind, id, data)
		if b.Len() > 64<<10 {
			if !st.write(b.String()) {
				return false
			}
			b.Reset()
		}
	}
	return b.Len() == 0 || st.write(b.String())
}

// wants decides by what the change itself says.
func (st *stream) wants(change state.Change) bool {
	role, known := eventRole(change.Kind)
	if !known || !st.role.Can(role) || !st.has(change.Kind) {
		return false
	}
	return st.passes(change) || st.back // what is gone that a client missed may have concerned it
}

// touch tells which topics the changes concern, and of what types they are.
func (st *stream) touch(changes []state.Change, now uint64) bool {
	touched, last := map[int][]string{}, uint64(0)
	for _, change := range changes {
		if role, known := eventRole(change.Kind); !known || !st.role.Can(role) {
			continue
		}
		last = max(last, change.Seq)
		for i := range st.topics {
			t := &st.topics[i]
			if t.has(change.Kind) && (t.passes(change) || st.back) && !slices.Contains(touched[i], string(change.Kind)) {
				touched[i] = append(touched[i], string(change.Kind))
			}
		}
	}
	st.back = false
	if len(touched) == 0 {
		return true
	}
	data, err := json.Marshal(touched)
	return err == nil && st.write(fmt.Sprintf("event: touched\nid: %d\ndata: %s\n\n", min(last, now), data))
}

// data is the object of a change as its address gives it. ok is false when the
// client is not to see it.
func (st *stream) data(change state.Change) (data []byte, ok bool) {
	v, err := st.view(change)
	if err == nil && !st.passes(change) {
		return nil, false
	}
	if engine.KindOf(err) == engine.NotFound {
		if change.Kind == state.KindResult || change.Kind == engine.KindToken && !st.role.Can(access.Admin) {
			return nil, false
		}
		v, err = deletedView{change.ID, true}, nil
	}
	if err != nil {
		st.log.Error("an event was left out", "kind", change.Kind, "id", change.ID, "error", err)
		return nil, false
	}
	if v == nil {
		return nil, false
	}
	data, err = json.Marshal(v)
	return data, err == nil
}

// who is the caller with the role of now.
func (st *stream) who() rest.Caller {
	who := st.c.Who
	who.Role = st.role
	return who
}

// view reads an object; nil: it does not belong to the stream.
func (st *stream) view(change state.Change) (any, error) {
	e, ctx := st.engine, st.c.Request.Context()
	of := func(subject engine.Ref, v any) any {
		if st.service != "" && subject != (engine.Ref{Kind: engine.KindService, ID: st.service}) {
			return nil
		}
		return v
	}
	switch change.Kind {
	case engine.KindService:
		return e.Targets.Service(change.ID)
	case engine.KindInstance:
		return e.Targets.Instance(change.ID)
	case engine.KindCheck:
		v, err := e.Checks.Check(change.ID)
		return viewCheck(v, st.role), err
	case state.KindResult:
		if r := e.LatestResult(change.ID); r != nil {
			return resultView(r), nil
		}
		return nil, nil
	case engine.KindIncident:
		v, err := e.Incidents.Incident(ctx, change.ID)
		return of(v.Subject, incidentView(v)), err
	case engine.KindDelivery:
		d, err := e.Incidents.Delivery(ctx, change.ID)
		return of(d.Subject, seenBy(e, st.who(), &d)), err
	case engine.KindSilence:
		return e.Silences.Silence(change.ID)
	case engine.KindRota:
		v, err := e.OnCall.Rota(change.ID)
		return viewRota(v, st.role), err
	case state.KindPlugin:
		p, err := e.Plugins.Plugin(change.ID)
		return st.plugins.viewPlugin(p), err
	case engine.KindUser:
		u, err := e.Users.User(change.ID)
		return viewUser(u, st.who()), err
	case engine.KindToken:
		t, err := e.Tokens.Token(change.ID)
		if err == nil && !(st.role.Can(access.Admin) || t.User == st.c.Who.User) {
			return nil, nil
		}
		return t, err
	case engine.KindSettings:
		return e.Settings(), nil
	case engine.KindPluginSettings:
		return map[string]any{"id": change.ID, "values": e.Public(change.ID, engine.SettingsForm, e.Site.PluginSettings(change.ID).Values)}, nil
	}
	return nil, nil
}
