// Package access holds roles, password hashes and tokens: who may do what, and
// how a person or a program proves who they are.
package access

// Role is what a person may do; each role includes those before it.
type Role string

// The roles, from least to most.
const (
	Viewer   Role = "viewer"
	Operator Role = "operator" // run, acknowledge, silence
	Editor   Role = "editor"   // services, checks, rotas
	Admin    Role = "admin"    // users, plugins, settings
)

// Rank orders roles: 1 for viewer to 4 for admin, 0 for anything else.
func (r Role) Rank() int {
	switch r {
	case Viewer:
		return 1
	case Operator:
		return 2
	case Editor:
		return 3
	case Admin:
		return 4
	}
	return 0
}

// Can reports whether r includes need.
func (r Role) Can(need Role) bool { return r.Rank() >= need.Rank() && need.Rank() > 0 }

// Roles returns all roles, from least to most.
func Roles() []Role { return []Role{Viewer, Operator, Editor, Admin} }
