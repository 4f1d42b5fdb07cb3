package form

import (
	"encoding/json"
	"reflect"
	"strconv"
)

// maxRows is the most rows that a list takes, whatever max_items says.
const maxRows = 1000

// list cleans the rows of a ListField.
func (g *group) list(f *Field, raw any, src source) (any, bool) {
	rows, p := toRows(raw)
	if p == nil {
		p = f.countFault(len(rows))
	}
	if p != nil {
		g.fail(f, p)
		return nil, false
	}
	before, order := len(g.c.errs), g.c.order
	defer func() { g.c.order = order }()
	groups := make([]*group, len(rows))
	for i, row := range rows {
		location := indexed(join(g.location, f.Name), i)
		m, ok := asObject(row)
		g.c.order = order + i + 1
		if !ok {
			g.c.complain(location, CodeType, "Enter an object with the fields of a row.")
			continue
		}
		groups[i] = &group{c: g.c, src: src, fields: f.Fields, raw: m, row: true,
			location: location, path: join(g.path, f.Name)}
		groups[i].cleanOpen()
	}
	if src == fromClient {
		match(groups, storedRows(g.stored[f.Name]))
	}
	out := make([]any, len(rows))
	for i, row := range groups {
		if row == nil {
			continue
		}
		if src == fromStore {
			row.stored = row.raw
		}
		g.c.order = order + i + 1
		row.cleanRest()
		out[i] = row.out
	}
	return out, len(g.c.errs) == before
}

// toRows takes an array, an empty object (as Lua and some encoders write an
// empty array) or the JSON text of an array.
func toRows(raw any) ([]any, *fault) {
	bad := &fault{code: CodeType, key: "invalid_list", text: "Enter a list of rows."}
	switch v := raw.(type) {
	case []any:
		return v, nil
	case []map[string]any:
		rows := make([]any, len(v))
		for i, one := range v {
			rows[i] = one
		}
		return rows, nil
	case map[string]any:
		if len(v) == 0 {
			return nil, nil
		}
	case string:
		var rows []any
		if len(v) <= 16*maxText && json.Unmarshal([]byte(v), &rows) == nil {
			return rows, nil
		}
	}
	return nil, bad
}

func asObject(row any) (map[string]any, bool) {
	switch row := row.(type) {
	case map[string]any:
		return row, true
	case Values:
		return row, true
	case []any: // Lua's empty table
		return map[string]any{}, len(row) == 0
	}
	return nil, false
}

func (f *Field) countFault(n int) *fault {
	if f.MinItems != nil && n < *f.MinItems {
		return &fault{CodeMin, "min_items", "Enter at least " + counted(*f.MinItems, "row") + ".", strconv.Itoa(*f.MinItems)}
	}
	most := maxRows
	if f.MaxItems != nil && *f.MaxItems < most {
		most = *f.MaxItems
	}
	if n > most {
		return &fault{CodeMax, "max_items", "Enter at most " + counted(most, "row") + ".", strconv.Itoa(most)}
	}
	return nil
}

// cleanOpen cleans the columns that need no stored row: a row is matched by them.
func (g *group) cleanOpen() {
	g.start()
	for i := range g.fields {
		if g.open(i, len(g.fields)) && g.shown(&g.fields[i]) {
			g.settle(i)
		}
	}
}

// open reports whether the column can be cleaned before the row is matched: it
// is no secret and not disabled, and neither are the columns that show it.
func (g *group) open(i, depth int) bool {
	f := &g.fields[i]
	if f.Secret() || f.Disabled || depth < 0 {
		return false
	}
	for j := range g.fields {
		if _, ok := f.ShowIf[g.fields[j].Name]; ok && !g.open(j, depth-1) {
			return false
		}
	}
	return true
}

func (g *group) cleanRest() {
	for i := range g.fields {
		g.settle(i)
	}
	g.unknown()
}

func storedRows(v any) []map[string]any {
	list, _ := v.([]any)
	rows := make([]map[string]any, 0, len(list))
	for _, one := range list {
		row, _ := one.(map[string]any)
		rows = append(rows, row)
	}
	return rows
}

// match gives each row the stored row that its kept secrets come from: one
// that is equal in all that is not secret, at the same place if there; else,
// where the number of rows did not change, the one at the same place.
func match(rows []*group, stored []map[string]any) {
	taken := make([]bool, len(stored))
	take := func(row *group, i int) {
		row.stored, taken[i] = stored[i], true
	}
	for i, row := range rows {
		if i < len(stored) && row != nil && row.equals(stored[i]) {
			take(row, i)
		}
	}
	for _, row := range rows {
		for j := range stored {
			if row != nil && row.stored == nil && !taken[j] && row.equals(stored[j]) {
				take(row, j)
			}
		}
	}
	if len(rows) == len(stored) {
		for i, row := range rows {
			if row != nil && row.stored == nil && !taken[i] {
				take(row, i)
			}
		}
	}
	lost := lostSecrets(stored, taken)
	for _, row := range rows {
		if row != nil && row.stored == nil {
			row.lost = lost
		}
	}
}

// lostSecrets names the columns that hold a secret in a row that none took.
func lostSecrets(stored []map[string]any, taken []bool) map[string]bool {
	lost := map[string]bool{}
	for i, row := range stored {
		if taken[i] {
			continue
		}
		for name, v := range row {
			if _, ok := v.(Sealed); ok {
				lost[name] = true
			}
		}
	}
	return lost
}

// equals reports whether the columns that were cleaned are those of a stored row.
func (g *group) equals(stored map[string]any) bool {
	if stored == nil {
		return false
	}
	for i := range g.fields {
		f := &g.fields[i]
		if g.states[f.Name] == pending || g.states[f.Name] == hidden {
			continue
		}
		old, ok := stored[f.Name]
		if !ok {
			old = f.initial()
		}
		if _, ok := old.(Sealed); ok {
			continue
		}
		if !reflect.DeepEqual(f.filled(old), f.filled(g.out[f.Name])) {
			return false
		}
	}
	return true
}

// filled gives nil and other empty values one shape.
func (f *Field) filled(v any) any {
	if f.empty(v) {
		return f.storedUnset()
	}
	return v
}
