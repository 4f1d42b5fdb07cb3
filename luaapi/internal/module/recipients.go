package module

import (
	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/vm"
)

// openRecipients opens recipients: who is mentioned, called or written to.
func openRecipients(*lua.LState) *lua.LTable {
	return ModuleOf(map[string]lua.LGFunction{
		"all": func(L *lua.LState) int {
			a := vm.Args{L: L, Fn: "recipients.all"}
			L.Push(everybody(a, a.Table(1, "users"), a.Table(2, "duty_officers")))
			return 1
		},
		"chat":  func(L *lua.LState) int { return recipientsOf(L, "recipients.chat", forChat) },
		"phone": func(L *lua.LState) int { return recipientsOf(L, "recipients.phone", forPhone) },
		"sms":   func(L *lua.LState) int { return recipientsOf(L, "recipients.sms", forSMS) },
		"email": func(L *lua.LState) int { return recipientsOf(L, "recipients.email", forEmail) },
	})
}

// alertFacts are what the rules go by.
type alertFacts struct {
	kind               engine.AlertKind
	status, old, worst engine.Status
}

// A rule says which of the two lists are told.
type recipientRule func(f alertFacts) (users, officers bool)

func forChat(f alertFacts) (users, officers bool) {
	serious := engine.StatusError.Rank()
	all := false
	switch f.kind {
	case engine.AlertFiring, engine.AlertEscalation:
		all = f.status.Rank() >= serious
	case engine.AlertRecovery:
		all = max(f.worst.Rank(), f.old.Rank()) >= serious
	}
	return all, all
}

func forPhone(f alertFacts) (users, officers bool) {
	switch f.kind {
	case engine.AlertFiring, engine.AlertEscalation, engine.AlertRepeat:
		return false, f.status == engine.StatusCritical
	}
	return false, false
}

func forSMS(f alertFacts) (users, officers bool) {
	all := f.kind != engine.AlertDeescalation && f.kind != engine.AlertUpdate
	return all, all
}

func forEmail(f alertFacts) (users, officers bool) {
	return true, f.worst == engine.StatusCritical
}

// recipientsOf reads (service, users, duty_officers) and applies a rule. A test
// goes to whoever asked for it, and to nobody else.
func recipientsOf(L *lua.LState, name string, rule recipientRule) int {
	a := vm.Args{L: L, Fn: name}
	service := L.Get(1)
	if service.Type() != lua.LTUserData && service.Type() != lua.LTTable {
		a.WrongType(1, "service", "a service")
	}
	users, officers := a.Table(2, "users"), a.Table(3, "duty_officers")
	facts := alertFacts{
		kind:   engine.AlertKind(FieldText(a, service, "alert_kind")),
		status: engine.Status(FieldText(a, service, "overall_status")),
		old:    engine.Status(FieldText(a, service, "old_overall_status")),
		worst:  engine.Status(FieldText(a, service, "worst_status")),
	}
	if facts.kind == engine.AlertTest { // the engine names the caller as the only user
		L.Push(everybody(a, users))
		return 1
	}
	toUsers, toOfficers := rule(facts)
	if !toUsers {
		users = luaval.NewTable()
	}
	if !toOfficers {
		officers = luaval.NewTable()
	}
	L.Push(everybody(a, users, officers))
	return 1
}

// FieldText reads a field of an object as text, "" when it has none.
func FieldText(a vm.Args, object lua.LValue, name string) string {
	s, _ := a.L.GetField(object, name).(lua.LString)
	return string(s)
}

// everybody joins lists of users, each user once.
func everybody(a vm.Args, lists ...*lua.LTable) *lua.LTable {
	out := luaval.NewTable()
	seen := make(map[string]bool)
	for n, list := range lists {
		for i := 1; i <= list.Len(); i++ {
			user := list.RawGetInt(i)
			if user.Type() != lua.LTUserData && user.Type() != lua.LTTable {
				a.L.RaiseError("bad argument to %s: list %d must hold users, got %s at %d", a.Fn, n+1, luaval.TypeName(user), i)
			}
			id := FieldText(a, user, "id")
			if id == "" || !seen[id] {
				seen[id] = true
				out.Append(user)
			}
		}
	}
	return out
}
