package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
)

// revisionView is one state that an object was in.
type revisionView struct {
	Revision uint64         `json:"revision"`
	Author   string         `json:"author"`
	At       time.Time      `json:"at"`
	Deleted  bool           `json:"deleted"`
	Object   map[string]any `json:"object"` // secrets masked; null where it was deleted

	data []byte
}

// revisions serve the history of the objects of a collection.
type revisions[In, View any] struct {
	*collection[In, View]
	engine *engine.Engine
	// mask turns stored values into what clients see and may send back; nil: there
	// are no secrets in them.
	mask func(*engine.Engine, *In)
}

// revisionRoutes serve the history of a kind.
func revisionRoutes[In, View any](known shapes, e *engine.Engine, of *collection[In, View], mask func(*engine.Engine, *In)) []*route {
	k := &revisions[In, View]{of, e, mask}
	item := shapeOf[revisionView](known)
	spec := listSpec{item: item, order: "-revision"}
	path := "/" + k.plural + "/{id}/revisions"
	return []*route{
		{method: "GET", path: path, role: access.Viewer, tag: k.plural, summary: "List the revisions of " + k.one, output: item, list: true,
			params: spec.params(), note: "Secrets are masked. Revisions of users are for themselves and admins.",
			handle: func(c *call) (answer, error) { return k.list(c, spec) }},
		{method: "POST", path: path + "/{n}/revert", role: k.changeRole(), tag: k.plural, summary: "Bring back a revision of " + k.one,
			note: "The result is a new revision. Secrets (and a user's password) stay as they are now. What was deleted comes back under its id, " +
				"with the secrets of that revision; what it was linked to is not linked to it again. Tokens do not come back.",
			output: shapeOf[View](known), tagged: true, handle: k.revert},
	}
}

// undeletes reports whether the caller may bring back what was deleted.
func (k *revisions[In, View]) undeletes(c *call) bool {
	return k.kind != engine.KindToken && c.who.Role.Can(k.write)
}

func (k *revisions[In, View]) changeRole() access.Role {
	if k.change != "" {
		return k.change
	}
	return k.write
}

// history returns the revisions that the caller may see, the newest first.
func (k *revisions[In, View]) history(c *call) ([]revisionView, error) {
	id := c.id()
	_, err := k.get(c, id)
	if engine.KindOf(err) == engine.NotFound && (c.who.isAdmin() || k.undeletes(c)) {
		err = nil // deleted: its history stays
	}
	if err != nil {
		return nil, err
	}
	if k.kind == engine.KindUser && id != c.who.User && !c.who.isAdmin() {
		return nil, refuse(http.StatusForbidden, "only an admin sees the revisions of another user")
	}
	list, err := k.engine.Revisions(c.r.Context(), k.kind, id)
	if err != nil {
		return nil, fmt.Errorf("read the revisions of %s %s: %w", k.kind, id, err)
	}
	if len(list) == 0 {
		return nil, refuse(http.StatusNotFound, "no such "+string(k.kind))
	}
	out := make([]revisionView, len(list))
	for i, r := range list {
		out[i] = revisionView{Revision: r.Number, Author: r.Author, At: r.At.UTC(), Deleted: r.Deleted, data: r.Data}
	}
	return out, nil
}

func (k *revisions[In, View]) list(c *call, spec listSpec) (answer, error) {
	l, err := spec.parse(c)
	if err != nil {
		return answer{}, err
	}
	all, err := k.history(c)
	if err != nil {
		return answer{}, err
	}
	items, next := page(l, all, func(r *revisionView) string { return strconv.FormatUint(r.Revision, 10) })
	for i := range items {
		if items[i].Object, err = k.past(c, items[i].data); err != nil {
			return answer{}, err
		}
	}
	return answer{body: pageView[revisionView]{items, next}}, nil
}

// past is a stored object as clients see it.
func (k *revisions[In, View]) past(c *call, data []byte) (map[string]any, error) {
	if len(data) == 0 {
		return nil, nil
	}
	in, err := k.unpack(data)
	if err != nil {
		return nil, err
	}
	if data, err = json.Marshal(in); err != nil {
		return nil, fmt.Errorf("encode a revision: %w", err)
	}
	var out map[string]any
	if err := json.Unmarshal(data, &out); err != nil {
		return nil, fmt.Errorf("encode a revision: %w", err)
	}
	for name := range out {
		if hiddenField(name) || writtenOnly(name) {
			delete(out, name)
		}
	}
	if k.kind == engine.KindRota && !c.who.Role.Can(access.Editor) {
		out["ical_url"] = "" // as viewRota has it
	}
	return out, nil
}

// writtenOnly are fields that clients write and never read.
func writtenOnly(name string) bool {
	return name == "password" || name == "current_password" || name == "revoke_tokens"
}

func (k *revisions[In, View]) unpack(data []byte) (*In, error) {
	in := new(In)
	if err := json.Unmarshal(data, in); err != nil {
		return nil, fmt.Errorf("read a revision of a %s: %w", k.kind, err)
	}
	if k.mask != nil {
		k.mask(k.engine, in)
	}
	return in, nil
}

func (k *revisions[In, View]) revert(c *call) (answer, error) {
	id := c.id()
	_, revision, err := k.stored(c, id)
	deleted := engine.KindOf(err) == engine.NotFound && k.undeletes(c)
	if err != nil && !deleted {
		return answer{}, err
	}
	all, err := k.history(c)
	if err != nil {
		return answer{}, err
	}
	if deleted {
		revision = all[0].Revision
	}
	if _, err := c.ifMatch(revision); err != nil {
		return answer{}, err
	}
	for _, r := range all {
		if strconv.FormatUint(r.Revision, 10) != c.variable("n") || r.Deleted {
			continue
		}
		if deleted {
			if err := k.engine.Undelete(c.r.Context(), c.actor(), k.kind, id, r.Revision); err != nil {
				return answer{}, err
			}
			return k.answer(c, id)
		}
		in, err := k.unpack(r.data)
		if err != nil {
			return answer{}, err
		}
		if _, err := k.save(c, id, revision, *in); err != nil {
			return answer{}, err
		}
		return k.answer(c, id)
	}
	return answer{}, refuse(http.StatusNotFound, "there is no such revision")
}
