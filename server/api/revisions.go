package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/monitor"
	"moonwatch/server/rest"
	"moonwatch/server/revision"
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
	*rest.Collection[In, View]
	engine *monitor.Monitor
	// decode reads a stored object as clients see it and may send it back.
	decode func(data []byte) (*In, error)
}

// decodeAs reads objects by the table of kinds.
func decodeAs[In any](e *monitor.Monitor, kind engine.Kind) func(data []byte) (*In, error) {
	of, _ := revision.Of(kind)
	return func(data []byte) (*In, error) {
		object, err := of.Decode(e, data)
		if err != nil {
			return nil, err
		}
		return object.(*In), nil
	}
}

// revisionRoutes serve the history of a kind.
func revisionRoutes[In, View any](known rest.Shapes, e *monitor.Monitor, of *rest.Collection[In, View], decode func(data []byte) (*In, error)) []*rest.Route {
	k := &revisions[In, View]{of, e, decode}
	item := rest.ShapeOf[revisionView](known)
	spec := rest.ListSpec{Item: item, Order: "-revision"}
	path := "/" + k.Plural + "/{id}/revisions"
	return []*rest.Route{
		{Method: "GET", Path: path, Role: access.Viewer, Tag: k.Plural, Summary: "List the revisions of " + k.One, Output: item, List: true,
			Params: spec.Params(), Note: "Secrets are masked. Revisions of users are for themselves and admins.",
			Handle: func(c *rest.Call) (rest.Answer, error) { return k.list(c, spec) }},
		{Method: "POST", Path: path + "/{n}/revert", Role: k.revertRole(), Tag: k.Plural, Summary: "Bring back a revision of " + k.One,
			Note: "The result is a new revision. Secrets (and a user's password) stay as they are now. What was deleted comes back under its id, " +
				"with the secrets of that revision; what it was linked to is not linked to it again. Tokens do not come back.",
			Output: rest.ShapeOf[View](known), Tagged: true, Handle: k.revert},
	}
}

// undeletes reports whether the caller may bring back what was deleted.
func (k *revisions[In, View]) undeletes(c *rest.Call) bool {
	return k.Kind != engine.KindToken && c.Who.Role.Can(k.Write)
}

// revertRole is what bringing a revision back needs at least.
func (k *revisions[In, View]) revertRole() access.Role {
	if of, ok := revision.Of(k.Kind); ok {
		return of.Role
	}
	return k.Write
}

// history returns the revisions that the caller may see, the newest first.
func (k *revisions[In, View]) history(c *rest.Call) ([]revisionView, error) {
	id := c.ID()
	_, err := k.Get(c, id)
	if engine.KindOf(err) == engine.NotFound && (c.Who.IsAdmin() || k.undeletes(c)) {
		err = nil // deleted: its history stays
	}
	if err != nil {
		return nil, err
	}
	if k.Kind == engine.KindUser && id != c.Who.User && !c.Who.IsAdmin() {
		return nil, rest.Refuse(http.StatusForbidden, "only an admin sees the revisions of another user")
	}
	list, err := k.engine.Revisions.Revisions(c.Request.Context(), k.Kind, id)
	if err != nil {
		return nil, fmt.Errorf("read the revisions of %s %s: %w", k.Kind, id, err)
	}
	if len(list) == 0 {
		return nil, rest.Refuse(http.StatusNotFound, "no such "+string(k.Kind))
	}
	out := make([]revisionView, len(list))
	for i, r := range list {
		out[i] = revisionView{Revision: r.Number, Author: r.Author, At: r.At.UTC(), Deleted: r.Deleted, data: r.Data}
	}
	return out, nil
}

func (k *revisions[In, View]) list(c *rest.Call, spec rest.ListSpec) (rest.Answer, error) {
	l, err := spec.Parse(c)
	if err != nil {
		return rest.Answer{}, err
	}
	all, err := k.history(c)
	if err != nil {
		return rest.Answer{}, err
	}
	items, next := rest.Page(l, all, func(r *revisionView) string { return strconv.FormatUint(r.Revision, 10) })
	for i := range items {
		if items[i].Object, err = k.past(c, items[i].data); err != nil {
			return rest.Answer{}, err
		}
	}
	return rest.Answer{Body: rest.PageView[revisionView]{Items: items, Next: next}}, nil
}

// past is a stored object as clients see it.
func (k *revisions[In, View]) past(c *rest.Call, data []byte) (map[string]any, error) {
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
		if rest.HiddenField(name) || writtenOnly(name) {
			delete(out, name)
		}
	}
	if k.Kind == engine.KindRota && !c.Who.Role.Can(access.Editor) {
		out["ical_url"] = "" // as viewRota has it
	}
	return out, nil
}

// writtenOnly are fields that clients write and never read.
func writtenOnly(name string) bool {
	return name == "password" || name == "current_password" || name == "revoke_tokens"
}

func (k *revisions[In, View]) unpack(data []byte) (*In, error) {
	in, err := k.decode(data)
	if err != nil {
		return nil, fmt.Errorf("read a revision of a %s: %w", k.Kind, err)
	}
	return in, nil
}

func (k *revisions[In, View]) revert(c *rest.Call) (rest.Answer, error) {
	id := c.ID()
	_, revision, err := k.Stored(c, id)
	deleted := engine.KindOf(err) == engine.NotFound && k.undeletes(c)
	if err != nil && !deleted {
		return rest.Answer{}, err
	}
	all, err := k.history(c)
	if err != nil {
		return rest.Answer{}, err
	}
	if deleted {
		revision = all[0].Revision
	}
	if _, err := c.IfMatch(revision); err != nil {
		return rest.Answer{}, err
	}
	for _, r := range all {
		if strconv.FormatUint(r.Revision, 10) != c.Variable("n") || r.Deleted {
			continue
		}
		if deleted {
			if err := k.engine.Revisions.Undelete(c.Request.Context(), c.Actor(), k.Kind, id, r.Revision); err != nil {
				return rest.Answer{}, err
			}
			return k.Answer(c, id)
		}
		in, err := k.unpack(r.data)
		if err != nil {
			return rest.Answer{}, err
		}
		if _, err := k.Save(c, id, revision, *in); err != nil {
			return rest.Answer{}, err
		}
		return k.Answer(c, id)
	}
	return rest.Answer{}, rest.Refuse(http.StatusNotFound, "there is no such revision")
}
