package main

import (
	"cmp"
	"go/ast"
	"go/types"
	"path/filepath"
	"slices"
)

// sized is a thing with a name and a size in lines.
type sized struct {
	name  string
	lines int
}

func largestFirst(a, b sized) int {
	return cmp.Or(cmp.Compare(b.lines, a.lines), cmp.Compare(a.name, b.name))
}

// fileName is the name of a file without its folder.
func (u *unit) fileName(f *ast.File) string {
	return filepath.Base(u.fset.Position(f.Package).Filename)
}

// fileSizes are the files of a package, the largest first.
func (u *unit) fileSizes() []sized {
	var out []sized
	for _, f := range u.files {
		out = append(out, sized{u.fileName(f), u.fset.File(f.Package).LineCount()})
	}
	slices.SortFunc(out, largestFirst)
	return out
}

// functions are the functions and methods of a package, the longest first. A
// function's lines are those from its `func` to its last brace.
func (u *unit) functions() []sized {
	var out []sized
	for _, f := range u.files {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			name := fn.Name.Name
			if r := receiver(fn); r != "" {
				name = r + "." + name
			}
			out = append(out, sized{u.path + "." + name, u.fset.Position(fn.End()).Line - u.fset.Position(fn.Pos()).Line + 1})
		}
	}
	slices.SortFunc(out, largestFirst)
	return out
}

// receiver is the name of the type that a method belongs to; "" is a function.
func receiver(fn *ast.FuncDecl) string {
	if fn.Recv == nil || len(fn.Recv.List) == 0 {
		return ""
	}
	of := fn.Recv.List[0].Type
	for {
		switch t := of.(type) {
		case *ast.StarExpr:
			of = t.X
		case *ast.IndexExpr:
			of = t.X
		case *ast.IndexListExpr:
			of = t.X
		case *ast.Ident:
			return t.Name
		default:
			return ""
		}
	}
}

// methods is a type with its methods.
type methods struct {
	name          string
	all, exported int
}

// methodCounts are the types of a package that have methods, those with the most
// first.
func (u *unit) methodCounts() []methods {
	counts := map[string]*methods{}
	for _, f := range u.files {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || receiver(fn) == "" {
				continue
			}
			name := u.path + "." + receiver(fn)
			if counts[name] == nil {
				counts[name] = &methods{name: name}
			}
			counts[name].all++
			if fn.Name.IsExported() {
				counts[name].exported++
			}
		}
	}
	var out []methods
	for _, m := range counts {
		out = append(out, *m)
	}
	slices.SortFunc(out, mostMethodsFirst)
	return out
}

func mostMethodsFirst(a, b methods) int {
	return cmp.Or(cmp.Compare(b.all, a.all), cmp.Compare(a.name, b.name))
}

// circle is the largest group of files of a package in which each reaches each
// other, over names that one uses and another declares: package-level names,
// methods and fields. A package without one has a group of a single file.
func (u *unit) circle() []string {
	home := map[types.Object]int{}
	for i, f := range u.files {
		ast.Inspect(f, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && u.info.Defs[id] != nil {
				home[u.info.Defs[id]] = i
			}
			return true
		})
	}
	reaches := make([][]int, len(u.files))
	for i, f := range u.files {
		ast.Inspect(f, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				if to, ours := home[origin(u.info.Uses[id])]; ours && to != i {
					reaches[i] = append(reaches[i], to)
				}
			}
			return true
		})
	}
	var out []string
	for _, i := range largestComponent(reaches) {
		out = append(out, u.fileName(u.files[i]))
	}
	slices.Sort(out)
	return out
}

// origin is what an instance of something generic was made from.
func origin(o types.Object) types.Object {
	switch o := o.(type) {
	case *types.Func:
		return o.Origin()
	case *types.Var:
		return o.Origin()
	}
	return o
}

// largestComponent is the largest strongly connected component of a graph (after
// Tarjan): the nodes that all reach one another.
func largestComponent(reaches [][]int) []int {
	var largest, stack []int
	index, low, onStack := make([]int, len(reaches)), make([]int, len(reaches)), make([]bool, len(reaches))
	next := 1
	var visit func(v int)
	visit = func(v int) {
		index[v], low[v] = next, next
		next++
		stack, onStack[v] = append(stack, v), true
		for _, w := range reaches[v] {
			if index[w] == 0 {
				visit(w)
				low[v] = min(low[v], low[w])
			} else if onStack[w] {
				low[v] = min(low[v], index[w])
			}
		}
		if low[v] != index[v] {
			return
		}
		at := slices.Index(stack, v)
		component := slices.Clone(stack[at:])
		for _, w := range component {
			onStack[w] = false
		}
		stack = stack[:at]
		if len(component) > len(largest) {
			largest = component
		}
	}
	for v := range reaches {
		if index[v] == 0 {
			visit(v)
		}
	}
	return largest
}
