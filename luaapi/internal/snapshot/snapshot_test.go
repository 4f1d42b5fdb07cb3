package snapshot

import (
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// TestUnchanged takes a snapshot of what code returns, runs more code on it, and
// asks whether that is seen.
func TestUnchanged(t *testing.T) {
	const made = `
local count, inner = 0, { deep = { 1, 2 } }
world = { list = { "a", "b" }, named = { x = 1, y = 2 }, mixed = { 1, k = true, [1.5] = "f", [false] = "b" }, inner = inner,
  bump = function() count = count + 1 end, read = function() return inner end, set = function(v) inner = v end }
return world`
	for _, tt := range []struct {
		does      string
		unchanged bool
	}{
		{`local x = world.list[1] .. world.named.x`, true},
		{`for k, v in pairs(world) do local t = { k, v } end`, true},
		{`world.named.x = 1 world.list[2] = "b"`, true},
		{`world.list[1] = "c" world.list[1] = "a"`, true},
		{`world.read()`, true},
		{`world.named.x = 2`, false},
		{`world.named.z = 1`, false},
		{`world.named.z = 1 world.named.z = nil`, false}, // it remembers the place
		{`world.named.x = nil`, false},
		{`world.list[3] = "c"`, false},
		{`world.list[2] = nil`, false},
		{`world.mixed[1.5] = "g"`, false},
		{`world.mixed[false] = nil`, false},
		{`world.inner.deep[1] = 0`, false},
		{`world.inner.deep = { 1, 2 }`, false},
		{`world.bump()`, false},
		{`world.set({})`, false},
		{`setmetatable(world.named, {})`, false},
		{`world.read = function() end`, false},
		{`other = 1`, false},
		{`world = nil`, false},
		{`world.list[1] = 0/0`, false},
	} {
		L := lua.NewState()
		env := L.NewTable()
		L.SetMetatable(env, lua.LNil)
		for _, name := range []string{"pairs", "setmetatable"} {
			env.RawSetString(name, L.GetGlobal(name))
		}
		run := func(code string) lua.LValue {
			fn, err := L.LoadString(code)
			if err != nil {
				t.Fatal(err)
			}
			fn.Env = env
			L.Push(fn)
			L.Call(0, 1)
			defer L.Pop(1)
			return L.Get(-1)
		}
		top := run(made)
		s := Take(env, 100, top)
		if s == nil {
			t.Fatal("nothing was taken")
		}
		for range 2 {
			s.Give(top.(*lua.LTable), "given")
			top.(*lua.LTable).RawSetString("given", lua.LTrue)
			if !s.Unchanged() {
				t.Fatal("what the host gave is not taken back")
			}
		}
		run(tt.does)
		if got := s.Unchanged(); got != tt.unchanged {
			t.Errorf("%s: unchanged %v", tt.does, got)
		}
		L.Close()
	}
}

func TestWhatIsNotTaken(t *testing.T) {
	L := lua.NewState()
	defer L.Close()
	env := L.NewTable()
	meta := L.NewTable()
	L.SetMetatable(meta, L.NewTable())
	stranger, err := L.LoadString("return 1") // of the state's own environment
	if err != nil {
		t.Fatal(err)
	}
	long := L.NewTable()
	for i := range 200 {
		long.Append(lua.LNumber(i))
	}
	for what, v := range map[string]lua.LValue{"an object": L.NewUserData(), "a metatable": meta, "another environment": stranger, "too much": long} {
		holder := L.NewTable()
		holder.RawSetString("v", v)
		if Take(env, 100, holder) != nil {
			t.Errorf("%s was taken", what)
		}
	}
}
