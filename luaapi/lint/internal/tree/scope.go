package tree

// Local is a local variable or a parameter, and all that a source does with it.
type Local struct {
	Values   []Value // that are assigned to it, in order
	Function *Node   // of a local function, that nothing replaces
	Calls    []*Node // of it
	Escapes  bool    // it is used otherwise than by being called
}

// Value is the N-th result (from 0) of an expression.
type Value struct {
	Of *Node
	N  int
}

// Source is what a text comes to.
type Source struct {
	Body    []*Node
	Globals map[string]bool // that it writes
	Writes  []*Node         // of globals, in order
}

// Read parses a text, and binds its names to local variables. The error says where
// it is no Lua; the interpreter's own parser has better words for that.
func Read(text string) (*Source, error) {
	body, err := parse(text)
	if err != nil {
		return nil, err
	}
	r := &resolver{globals: map[string]bool{}}
	r.block(body)
	return &Source{Body: body, Globals: r.globals, Writes: r.writes}, nil
}

// resolver binds names to local variables, and notes what is global.
type resolver struct {
	scopes  []map[string]*Local
	globals map[string]bool // that the source writes
	writes  []*Node         // of globals
}

func (r *resolver) open()  { r.scopes = append(r.scopes, map[string]*Local{}) }
func (r *resolver) close() { r.scopes = r.scopes[:len(r.scopes)-1] }

func (r *resolver) declare(name *Node) *Local {
	l := &Local{}
	r.scopes[len(r.scopes)-1][name.Text] = l
	name.Local = l
	return l
}

func (r *resolver) find(name string) *Local {
	for i := len(r.scopes) - 1; i >= 0; i-- {
		if l := r.scopes[i][name]; l != nil {
			return l
		}
	}
	return nil
}

func (r *resolver) block(list []*Node) {
	r.open()
	r.statements(list)
	r.close()
}

func (r *resolver) statements(list []*Node) {
	for _, s := range list {
		r.statement(s)
	}
}

// ValueFor is what the i-th of several targets is given; ok is false where
// there is no expression at all.
func ValueFor(list []*Node, i int) (Value, bool) {
	switch {
	case len(list) == 0:
		return Value{}, false
	case i < len(list)-1:
		return Value{list[i], 0}, true
	}
	return Value{list[len(list)-1], i - len(list) + 1}, true
}

func (r *resolver) statement(s *Node) {
	switch s.Kind {
	case KindLocal:
		r.exprs(s.List)
		for i, name := range s.Names {
			l := r.declare(name)
			if v, ok := ValueFor(s.List, i); ok {
				l.Values = append(l.Values, v)
				if i < len(s.List) && s.List[i].Kind == KindFunction {
					l.Function = s.List[i]
				}
			}
		}
	case KindLocalFunction:
		l := r.declare(s.Names[0])
		l.Function = s.B
		l.Values = append(l.Values, Value{s.B, 0})
		r.expr(s.B)
	case KindAssign:
		r.exprs(s.List)
		for i, target := range s.Targets {
			v, _ := ValueFor(s.List, i)
			r.assign(target, v)
		}
	case KindFunctionStat:
		r.assign(s.A, Value{s.B, 0})
		r.expr(s.B)
	case KindExpression:
		r.expr(s.A)
	case KindDo:
		r.block(s.Body)
	case KindWhile:
		r.expr(s.A)
		r.block(s.Body)
	case KindRepeat:
		r.open()
		r.statements(s.Body)
		r.expr(s.A)
		r.close()
	case KindIf:
		r.expr(s.A)
		r.block(s.Body)
		r.block(s.Other)
	case KindFor, KindForIn:
		r.exprs(s.List)
		r.open()
		for _, name := range s.Names {
			r.declare(name)
		}
		r.statements(s.Body)
		r.close()
	case KindReturn:
		r.exprs(s.List)
	}
}

func (r *resolver) assign(target *Node, v Value) {
	if target.Kind != KindName {
		r.expr(target)
		return
	}
	target.Local = r.find(target.Text)
	if target.Local == nil {
		r.globals[target.Text] = true
		r.writes = append(r.writes, target)
		return
	}
	target.Local.Values = append(target.Local.Values, v)
	target.Local.Function = nil
}

func (r *resolver) exprs(list []*Node) {
	for _, e := range list {
		r.expr(e)
	}
}

func (r *resolver) expr(e *Node) {
	if e == nil {
		return
	}
	switch e.Kind {
	case KindName:
		if e.Local = r.find(e.Text); e.Local != nil {
			e.Local.Escapes = true
		}
	case KindFunction:
		r.function(e)
	case KindCall:
		if e.A.Kind == KindName {
			if e.A.Local = r.find(e.A.Text); e.A.Local != nil {
				e.A.Local.Calls = append(e.A.Local.Calls, e)
			}
		} else {
			r.expr(e.A)
		}
		r.exprs(e.List)
	case KindTable:
		for i, v := range e.List {
			r.expr(e.Keys[i])
			r.expr(v)
		}
	default:
		r.expr(e.A)
		r.expr(e.B)
		r.exprs(e.List)
	}
}

func (r *resolver) function(f *Node) {
	r.open()
	for _, name := range f.Names {
		r.declare(name)
	}
	r.statements(f.Body)
	r.close()
}
