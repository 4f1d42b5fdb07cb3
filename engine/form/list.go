package form

import (
	"crypto/sha256"
	"encoding/hex"
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
		key, _ := m[RowKey].(string)
		groups[i] = &group{c: g.c, src: src, fields: f.Fields, raw: m, row: true, key: key,
			location: location, path: join(g.path, f.Name)}
		groups[i].cleanOpen()
	}
	if src == fromClient {
		match(groups, f.storedRows(g.stored[f.Name]))
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

// storedRow is a row that the secrets of a new one may come from.
type storedRow struct {
	values map[string]any
	full   map[string]any // with initials for columns that are new since, to compare by
	key    string
	taken  bool
}

func (f *Field) storedRows(v any) []*storedRow {
	list, _ := v.([]any)
	initials := make([]any, len(f.Fields))
	for i := range f.Fields {
		initials[i] = f.Fields[i].initial()
	}
	rows := make([]*storedRow, len(list))
	for n, one := range list {
		values, _ := one.(map[string]any)
		rows[n] = &storedRow{values: values, full: make(map[string]any, len(f.Fields)), key: KeyOfRow(n, Form{Fields: f.Fields}.Public(values))}
		for i := range f.Fields {
			column := &f.Fields[i]
			old, ok := values[column.Name]
			if !ok {
				old = initials[i]
			}
			rows[n].full[column.Name] = column.filled(old)
		}
	}
	return rows
}

// RowKey is the key of a raw row under which a page sends back which stored row
// it was (see KeyOfRow).
const RowKey = "#row"

// KeyOfRow names a row of a stored list, as Public gives it: by its place, and by
// what of it is shown, so that a row that has changed meanwhile is another one.
func KeyOfRow(place int, public map[string]any) string {
	text, err := json.Marshal(public)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return strconv.Itoa(place) + "-" + hex.EncodeToString(sum[:8])
}

// match gives each row the stored row that its kept secrets come from: the one
// that its key names, or one that is equal in all that is not secret, at the same
// place if there. A row that differs is another one: it could send the secret to
// an address that it was not meant for.
func match(rows []*group, stored []*storedRow) {
	take := func(row *group, old *storedRow) {
		row.stored, old.taken = old.values, true
	}
	keys := make(map[string]*storedRow, len(stored))
	for _, old := range stored {
		keys[old.key] = old
	}
	for _, row := range rows {
		if row == nil || row.key == "" {
			continue
		}
		if old := keys[row.key]; old != nil && !old.taken {
			take(row, old)
		}
	}
	for i, row := range rows {
		if i < len(stored) && row != nil && row.stored == nil && !stored[i].taken && row.equals(stored[i]) {
			take(row, stored[i])
		}
	}
	for _, row := range rows {
		for _, old := range stored {
			if row != nil && row.stored == nil && !old.taken && row.equals(old) {
				take(row, old)
			}
		}
	}
	var lost map[string]bool
	for _, row := range rows {
		if row == nil || row.stored != nil {
			continue
		}
		if lost == nil {
			lost = lostSecrets(row.fields, stored)
		}
		row.lost = lost
	}
}

// lostSecrets names the columns that hold a secret in a row that none took.
func lostSecrets(fields []Field, stored []*storedRow) map[string]bool {
	lost := map[string]bool{}
	for _, old := range stored {
		for i := range fields {
			if name := fields[i].Name; !old.taken && fields[i].Secret() && !fields[i].empty(old.values[name]) {
				lost[name] = true
			}
		}
	}
	return lost
}

// equals reports whether the columns that were cleaned are those of a stored row.
func (g *group) equals(old *storedRow) bool {
	for i := range g.fields {
		f := &g.fields[i]
		if g.states[f.Name] == pending || g.states[f.Name] == hidden {
			continue
		}
		have := old.full[f.Name]
		if _, ok := have.(Sealed); !ok && !reflect.DeepEqual(have, f.filled(g.out[f.Name])) {
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
