package lint

// local is a local variable or a parameter.
type local struct {
	name   string
	pos    Pos
	depth  int   // how many loops of its function it is declared in
	fn     *node // the function that declares it; nil is the file
	values []value
	typ    *typ // when it is known otherwise than by what is assigned
	busy   bool // its type is being looked for

	function *node   // of a local function
	calls    []*node // of it
	escapes  bool    // it is used otherwise than by being called
}

// value is the n-th result (from 0) of an expression.
type value struct {
	of *node
	n  int
}

// resolver binds names to local variables, and notes what is global.
type resolver struct {
	scopes  []map[string]*local
	loops   int
	fn      *node
	globals map[string]bool // that the source writes
	writes  []*node         // of globals
}

func (r *resolver) open()  { r.scopes = append(r.scopes, map[string]*local{}) }
func (r *resolver) close() { r.scopes = r.scopes[:len(r.scopes)-1] }

func (r *resolver) declare(name *node) *local {
	l := &local{name: name.text, pos: name.pos, depth: r.loops, fn: r.fn}
	r.scopes[len(r.scopes)-1][name.text] = l
	name.local = l
	return l
}

func (r *resolver) find(name string) *local {
	for i := len(r.scopes) - 1; i >= 0; i-- {
		if l := r.scopes[i][name]; l != nil {
			return l
		}
	}
	return nil
}

func (r *resolver) block(list []*node) {
	r.open()
	r.statements(list)
	r.close()
}

func (r *resolver) statements(list []*node) {
	for _, s := range list {
		r.statement(s)
	}
}

// valueFor is what the i-th of several targets is given.
func valueFor(list []*node, i int) (value, bool) {
	switch {
	case len(list) == 0:
		return value{}, false
	case i < len(list)-1:
		return value{list[i], 0}, true
	}
	return value{list[len(list)-1], i - len(list) + 1}, true
}

func (r *resolver) statement(s *node) {
	switch s.kind {
	case kindLocal:
		r.exprs(s.list)
		for i, name := range s.names {
			l := r.declare(name)
			if v, ok := valueFor(s.list, i); ok {
				l.values = append(l.values, v)
				if i < len(s.list) && s.list[i].kind == kindFunction {
					l.function = s.list[i]
				}
			}
		}
	case kindLocalFunction:
		l := r.declare(s.names[0])
		l.function = s.b
		l.values = append(l.values, value{s.b, 0})
		r.expr(s.b)
	case kindAssign:
		r.exprs(s.list)
		for i, target := range s.targets {
			v, _ := valueFor(s.list, i)
			r.assign(target, v)
		}
	case kindFunctionStat:
		r.assign(s.a, value{s.b, 0})
		r.expr(s.b)
	case kindExpression:
		r.expr(s.a)
	case kindDo:
		r.block(s.body)
	case kindWhile:
		r.loops++
		r.expr(s.a)
		r.block(s.body)
		r.loops--
	case kindRepeat:
		r.loops++
		r.open()
		r.statements(s.body)
		r.expr(s.a)
		r.close()
		r.loops--
	case kindIf:
		r.expr(s.a)
		r.block(s.body)
		r.block(s.other)
	case kindFor, kindForIn:
		r.exprs(s.list)
		r.loops++
		r.open()
		for _, name := range s.names {
			r.declare(name)
		}
		r.statements(s.body)
		r.close()
		r.loops--
	case kindReturn:
		r.exprs(s.list)
	}
}

func (r *resolver) assign(target *node, v value) {
	if target.kind != kindName {
		r.expr(target)
		return
	}
	target.local = r.find(target.text)
	if target.local == nil {
		r.globals[target.text] = true
		r.writes = append(r.writes, target)
		return
	}
	target.local.values = append(target.local.values, v)
	target.local.function = nil
}

func (r *resolver) exprs(list []*node) {
	for _, e := range list {
		r.expr(e)
	}
}

func (r *resolver) expr(e *node) {
	if e == nil {
		return
	}
	switch e.kind {
	case kindName:
		if e.local = r.find(e.text); e.local != nil {
			e.local.escapes = true
		}
	case kindFunction:
		r.function(e)
	case kindCall:
		if e.a.kind == kindName {
			if e.a.local = r.find(e.a.text); e.a.local != nil {
				e.a.local.calls = append(e.a.local.calls, e)
			}
		} else {
			r.expr(e.a)
		}
		r.exprs(e.list)
	case kindTable:
		for i, v := range e.list {
			r.expr(e.keys[i])
			r.expr(v)
		}
	default:
		r.expr(e.a)
		r.expr(e.b)
		r.exprs(e.list)
	}
}

func (r *resolver) function(f *node) {
	loops, fn := r.loops, r.fn
	r.loops, r.fn = 0, f
	r.open()
	for _, name := range f.names {
		r.declare(name)
	}
	r.statements(f.body)
	r.close()
	r.loops, r.fn = loops, fn
}

// walk calls visit for every node of the statements, those outside first. It
// does not go into a node for which visit returns false.
func walk(list []*node, visit func(*node) bool) {
	for _, n := range list {
		walkNode(n, visit)
	}
}

func walkNode(n *node, visit func(*node) bool) {
	if n == nil || !visit(n) {
		return
	}
	walk(n.targets, visit)
	walkNode(n.a, visit)
	walkNode(n.b, visit)
	walk(n.keys, visit)
	walk(n.list, visit)
	walk(n.body, visit)
	walk(n.other, visit)
}
