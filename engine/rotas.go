package engine

import (
	"cmp"
	"context"
	"io"
	"slices"
	"time"

	"moonwatch/engine/access"
	"moonwatch/engine/rota"
)

// NewRota returns a rota with the defaults of one that a person begins.
func NewRota() Rota { return Rota{TimeZone: "UTC", Overrides: []RotaOverride{}} }

// SaveRota creates a rota (ID "") or replaces the revision that r carries. A
// feed is read soon after. It returns an *Error.
func (e *Engine) SaveRota(ctx context.Context, by Actor, r Rota) (*Rota, error) {
	if r.ID == "" {
		r.ID, r.Revision = e.newID(), 0
	}
	err := e.do(ctx, by, func(x *tx) error { return x.saveRota(&r) })
	return &r, err
}

func (x *tx) saveRota(r *Rota) error {
	old := x.rotas.get(r.ID)
	if err := atRevision(KindRota, r.Revision, old == nil, func() uint64 { return old.Revision }); err != nil {
		return err
	}
	var p problems
	r.validate(&p, func(id string) bool { return x.users.get(id) != nil })
	x.checkName(&p, KindRota, r.ID, r.Name, "name")
	if err := p.err(); err != nil {
		return err
	}
	if old == nil {
		r.FeedToken = ""
		x.stamp(KindRota, &r.Meta, nil)
		x.audit("create", KindRota, r.ID, r.Name, nil, r)
	} else {
		r.FeedToken = old.FeedToken
		x.stamp(KindRota, &r.Meta, &old.Meta)
		x.audit("update", KindRota, r.ID, r.Name, old, r)
	}
	x.rotas.put(r.ID, r)
	x.whenDurable(func() { x.e.duty.changed(r.ID, old == nil || old.ICalURL != r.ICalURL) })
	return nil
}

func (r *Rota) validate(p *problems, known func(string) bool) {
	p.text("name", r.Name, true, nameMost)
	if r.TimeZone == "" {
		r.TimeZone = "UTC"
	}
	if _, err := rota.LoadZone(r.TimeZone); err != nil {
		p.add("time_zone", "invalid", "write an IANA time zone, such as Europe/Berlin")
	}
	if r.FallbackUser != "" && !known(r.FallbackUser) {
		p.add("fallback_user", "not_found", "no such user")
	}
	p.link("ical_url", r.ICalURL)
	switch {
	case r.ICalURL != "" && r.Rotation != nil:
		p.add("rotation", "invalid", "a rota has an iCal feed or a rotation, not both")
	case r.ICalURL == "" && r.Rotation == nil && len(r.Overrides) == 0:
		p.add("ical_url", "required", "give an iCal feed, a rotation or overrides")
	}
	add := func(prefix string, errs []rota.FieldError) {
		for _, e := range errs {
			p.add(prefix+e.Field, e.Code, "%s", e.Message)
		}
	}
	if r.Rotation != nil {
		add("rotation.", r.Rotation.Validate(known))
	}
	r.Overrides = orEmpty(r.Overrides)
	if len(r.Overrides) > 1000 {
		p.add("overrides", "max", "at most 1,000 overrides")
		return
	}
	for i, o := range r.Overrides {
		add(at("overrides", i)+".", o.Validate(known))
	}
}

// DeleteRota deletes a rota, and unlinks it from services and instances.
func (e *Engine) DeleteRota(ctx context.Context, by Actor, id string, revision *uint64) error {
	err := e.do(ctx, by, func(x *tx) error {
		r := x.rotas.get(id)
		switch {
		case r == nil:
			return missing(KindRota)
		case revision != nil && *revision != r.Revision:
			return errChanged
		case x.site().DefaultRota == id:
			return conflict("%s is the default rota of the site: name another one first", r.Name)
		}
		x.unlinkRota(id)
		x.rotas.delete(id)
		x.erase(KindShifts, id)
		x.authors[Key{KindRota, id}] = by.Name
		x.audit("delete", KindRota, id, r.Name, r, nil)
		return nil
	})
	if err == nil {
		e.duty.forget(id)
	}
	return err
}

func (x *tx) unlinkRota(id string) {
	without := func(ids []string) []string {
		return slices.DeleteFunc(slices.Clone(ids), func(o string) bool { return o == id })
	}
	clear := func(a *Alerting) bool {
		found := slices.Contains(a.Rotas, id)
		a.Rotas, a.Escalation = without(a.Rotas), slices.Clone(a.Escalation)
		for i := range a.Escalation {
			found = found || slices.Contains(a.Escalation[i].Rotas, id)
			a.Escalation[i].Rotas = without(a.Escalation[i].Rotas)
		}
		a.dropEmptySteps()
		return found
	}
	for _, s := range x.services.all() {
		c := *s
		if clear(&c.Alerting) {
			x.stamp(KindService, &c.Meta, &s.Meta)
			x.services.put(c.ID, &c)
		}
	}
	for _, i := range x.instances.all() {
		c := *i
		if clear(&c.Alerting) {
			x.stamp(KindInstance, &c.Meta, &i.Meta)
			x.instances.put(c.ID, &c)
		}
	}
}

// RotaView is a rota as clients see it.
type RotaView struct {
	Rota
	Problems []rota.Problem `json:"problems"`
	ReadAt   *time.Time     `json:"read_at"` // when the feed was last read whole
	Stale    bool           `json:"stale"`   // the last reading failed: old shifts are kept
	FeedURL  string         `json:"feed_url"`
}

// Rota returns one rota.
func (e *Engine) Rota(id string) (RotaView, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if r := e.tables.rotas[id]; r != nil {
		return e.rotaView(r), nil
	}
	return RotaView{}, missing(KindRota)
}

// Rotas returns all rotas in order of id.
func (e *Engine) Rotas() []RotaView {
	e.mu.RLock()
	defer e.mu.RUnlock()
	out := make([]RotaView, 0, len(e.tables.rotas))
	for _, r := range e.tables.rotas {
		out = append(out, e.rotaView(r))
	}
	slices.SortFunc(out, func(a, b RotaView) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// StoredRota returns the rota as stored: what an edit begins from.
func (e *Engine) StoredRota(id string) (Rota, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if r := e.tables.rotas[id]; r != nil {
		return *r, nil
	}
	return Rota{}, missing(KindRota)
}

func (e *Engine) rotaView(r *Rota) RotaView {
	v := RotaView{Rota: *r, Problems: []rota.Problem{}}
	if r.FeedToken != "" {
		v.FeedURL = e.base(e.tables.site()) + "/feeds/" + r.FeedToken + ".ics"
	}
	v.FeedToken = ""
	v.Problems, v.ReadAt, v.Stale = e.duty.state(r.ID)
	return v
}

// Shifts returns the shifts of a rota that overlap [from, to), within the 60
// days that are looked ahead and the 30 days behind.
func (e *Engine) Shifts(id string, from, to time.Time) ([]rota.Shift, error) {
	if _, err := e.Rota(id); err != nil {
		return nil, err
	}
	return orEmpty(rota.Within(e.duty.shifts(id), from, to)), nil
}

// RefreshRota reads the feed of a rota now. It blocks until it is read.
func (e *Engine) RefreshRota(ctx context.Context, id string) (RotaView, error) {
	r, err := e.StoredRota(id)
	if err != nil {
		return RotaView{}, err
	}
	if r.ICalURL == "" {
		return RotaView{}, conflict("%s has no feed", r.Name)
	}
	e.duty.read(ctx, &r)
	return e.Rota(id)
}

// OnCall is somebody who is on duty.
type OnCall struct {
	Rota     string     `json:"rota"` // id
	RotaName string     `json:"rota_name"`
	User     string     `json:"user"` // id
	Username string     `json:"username"`
	Until    *time.Time `json:"until"` // nil for a fallback
	Fallback bool       `json:"fallback"`
}

// OnCall returns who is on duty now, by rota.
func (e *Engine) OnCall() []OnCall {
	now := e.now()
	e.mu.RLock()
	defer e.mu.RUnlock()
	out := []OnCall{}
	name := func(id string) string {
		if u := e.tables.users[id]; u != nil {
			return u.Username
		}
		return ""
	}
	for _, r := range e.tables.rotas {
		shifts := e.duty.shifts(r.ID)
		here := e.tables.activeOnly(rota.OnCall(shifts, now))
		for _, id := range here {
			item := OnCall{Rota: r.ID, RotaName: r.Name, User: id, Username: name(id)}
			if until, ok := rota.Until(shifts, id, now); ok {
				item.Until = &until
			}
			out = append(out, item)
		}
		if fallback := e.tables.activeOnly([]string{r.FallbackUser, e.tables.site().FallbackUser}); len(here) == 0 && len(fallback) > 0 {
			out = append(out, OnCall{Rota: r.ID, RotaName: r.Name, User: fallback[0], Username: name(fallback[0]), Fallback: true})
		}
	}
	slices.SortFunc(out, func(a, b OnCall) int {
		return cmp.Or(cmp.Compare(a.RotaName, b.RotaName), cmp.Compare(a.Username, b.Username))
	})
	return out
}

func (t *tables) activeOnly(ids []string) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		u := t.users[id]
		return u == nil || !u.Active
	})
}

// onDuty returns who is on duty now on rotas, or on the default rota when there
// are none: whoever has the shift, else the rota's fallback, else the site's.
// Whoever is not active is as if they were not there.
func (x *tx) onDuty(rotas []string) []string {
	site := x.site()
	if len(rotas) == 0 && site.DefaultRota != "" {
		rotas = []string{site.DefaultRota}
	}
	var out []string
	for _, id := range rotas {
		r := x.rotas.get(id)
		if r == nil {
			continue
		}
		here := slices.DeleteFunc(rota.OnCall(x.e.duty.shifts(id), x.now), func(id string) bool {
			u := x.users.get(id)
			return u == nil || !u.Active
		})
		if u := x.users.get(r.FallbackUser); len(here) == 0 && u != nil && u.Active {
			here = []string{u.ID}
		}
		out = append(out, here...)
	}
	if len(out) == 0 && site.FallbackUser != "" {
		out = []string{site.FallbackUser}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// isFallback reports whether a user is the site's or a rota's fallback.
func (t *tables) isFallback(id string) bool {
	if t.site().FallbackUser == id {
		return true
	}
	for _, r := range t.rotas {
		if r.FallbackUser == id {
			return true
		}
	}
	return false
}

func (x *tx) isFallback(id string) bool {
	if x.site().FallbackUser == id {
		return true
	}
	for _, r := range x.rotas.all() {
		if r.FallbackUser == id {
			return true
		}
	}
	return false
}

// dropUser takes a user out of whom a subject tells, and reports whether they were.
// It leaves the slices that it was given as they are.
func (a *Alerting) dropUser(id string) (found bool) {
	without := func(ids []string) []string {
		found = found || slices.Contains(ids, id)
		return slices.DeleteFunc(slices.Clone(ids), func(o string) bool { return o == id })
	}
	a.UsersToNotify, a.Escalation = without(a.UsersToNotify), slices.Clone(a.Escalation)
	for i := range a.Escalation {
		a.Escalation[i].Users = without(a.Escalation[i].Users)
	}
	a.dropEmptySteps()
	return found
}

// dropEmptySteps drops the escalation steps that name nobody any more, in place.
func (a *Alerting) dropEmptySteps() {
	a.Escalation = slices.DeleteFunc(a.Escalation, func(s EscalationStep) bool { return len(s.Users)+len(s.Rotas)+len(s.Plugins) == 0 })
}

// unlinkUser takes a user who is being deleted out of services, instances and rotas.
func (x *tx) unlinkUser(id string) {
	for _, s := range x.services.all() {
		if c := *s; c.dropUser(id) {
			x.stamp(KindService, &c.Meta, &s.Meta)
			x.services.put(c.ID, &c)
		}
	}
	for _, i := range x.instances.all() {
		if c := *i; c.dropUser(id) {
			x.stamp(KindInstance, &c.Meta, &i.Meta)
			x.instances.put(c.ID, &c)
		}
	}
	for _, r := range x.rotas.all() {
		c, found := *r, false
		if c.Rotation != nil && slices.Contains(c.Rotation.Members, id) {
			turn := *c.Rotation
			turn.Members = slices.DeleteFunc(slices.Clone(turn.Members), func(o string) bool { return o == id })
			c.Rotation, found = &turn, true
			if len(turn.Members) == 0 {
				c.Rotation = nil
			}
		}
		if n := len(c.Overrides); n > 0 {
			c.Overrides = slices.DeleteFunc(slices.Clone(c.Overrides), func(o RotaOverride) bool { return o.User == id })
			found = found || len(c.Overrides) < n
		}
		if found {
			x.stamp(KindRota, &c.Meta, &r.Meta)
			x.rotas.put(c.ID, &c)
			x.whenDurable(func() { x.e.duty.changed(c.ID, false) })
		}
	}
}

// NewFeed gives a rota or a user an address for an iCal feed of their shifts;
// an address given before is no longer good.
func (e *Engine) NewFeed(ctx context.Context, by Actor, kind Kind, id string) error {
	token, _ := access.NewToken("")
	return e.setFeed(ctx, by, kind, id, token)
}

// RevokeFeed takes the address of the iCal feed of a rota or user away.
func (e *Engine) RevokeFeed(ctx context.Context, by Actor, kind Kind, id string) error {
	return e.setFeed(ctx, by, kind, id, "")
}

func (e *Engine) setFeed(ctx context.Context, by Actor, kind Kind, id, token string) error {
	return e.do(ctx, by, func(x *tx) error {
		switch kind {
		case KindRota:
			r := x.rotas.get(id)
			if r == nil {
				return missing(kind)
			}
			c := *r
			c.FeedToken = token
			x.stamp(kind, &c.Meta, &r.Meta)
			x.rotas.put(id, &c)
			x.audit("feed", kind, id, c.Name, nil, nil)
		default:
			u := x.users.get(id)
			if u == nil {
				return missing(KindUser)
			}
			c := *u
			c.FeedToken = token
			x.stamp(KindUser, &c.Meta, &u.Meta)
			x.users.put(id, &c)
			x.audit("feed", KindUser, id, c.Username, nil, nil)
		}
		return nil
	})
}

// WriteFeed writes the iCal feed of the rota or user whose feed has the token.
// host makes the events' ids the monitor's own.
func (e *Engine) WriteFeed(w io.Writer, token, host string) error {
	name, shifts, err := e.feedOut(token)
	if err != nil {
		return err
	}
	return rota.WriteFeed(w, name, shifts, host, e.now())
}

// feedOut returns the name and the shifts of a feed.
func (e *Engine) feedOut(token string) (name string, shifts []rota.Shift, err error) {
	if token == "" {
		return "", nil, missing(KindRota)
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	titled := func(list []rota.Shift, title func(rota.Shift) string) {
		for _, s := range list {
			s.Title = title(s)
			shifts = append(shifts, s)
		}
	}
	username := func(id string) string {
		if u := e.tables.users[id]; u != nil {
			return u.Username
		}
		return "somebody"
	}
	for _, r := range e.tables.rotas {
		if r.FeedToken == token {
			titled(e.duty.shifts(r.ID), func(s rota.Shift) string { return username(s.User) })
			return r.Name, shifts, nil
		}
	}
	for _, u := range e.tables.users {
		if u.FeedToken != token {
			continue
		}
		for _, r := range e.tables.rotas {
			own := slices.DeleteFunc(slices.Clone(e.duty.shifts(r.ID)), func(s rota.Shift) bool { return s.User != u.ID })
			titled(own, func(rota.Shift) string { return r.Name })
		}
		slices.SortFunc(shifts, func(a, b rota.Shift) int { return a.Start.Compare(b.Start) })
		return u.Username, shifts, nil
	}
	return "", nil, missing(KindRota)
}
