package module

import (
	"context"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/host"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/vm"
)

func openDNS(*lua.LState) *lua.LTable {
	return ModuleOf(map[string]lua.LGFunction{"lookup": dnsLookup, "canonical": dnsCanonical})
}

// dnsLookup is lookup(name, type, options); the type is A when left out.
func dnsLookup(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "dns.lookup"}
	c := a.Outside()
	req := host.LookupRequest{Name: a.Text(1, "name"), Type: a.TextOr(2, "type", "A")}
	o := a.Options(3, "options", []string{"server", "timeout"})
	req.Server = o.Text("server")
	var records []host.Record
	err := c.Wait(o.Seconds("timeout"), func(ctx context.Context) (err error) {
		records, err = c.Host.Lookup(ctx, &req)
		return err
	})
	if err != nil {
		return vm.Failed(L, err)
	}
	list := luaval.NewTable()
	for _, r := range records {
		t := luaval.NewRecord(4)
		t.RawSetString("type", lua.LString(r.Type))
		t.RawSetString("value", lua.LString(r.Value))
		t.RawSetString("ttl", lua.LNumber(r.TTL))
		if r.Preference >= 0 {
			t.RawSetString("preference", lua.LNumber(r.Preference))
		}
		list.Append(t)
	}
	L.Push(list)
	return 1
}

// maxRecord is how long the value of a record is at most, in bytes.
const maxRecord = 64 << 10

// dnsCanonical is canonical(type, value): the one form of a record's value.
func dnsCanonical(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "dns.canonical"}
	kind, value := a.Text(1, "type"), a.Text(2, "value")
	if len(value) > maxRecord {
		a.Fail(2, "value is longer than %d bytes", maxRecord)
	}
	L.Push(lua.LString(host.CanonicalRecord(kind, value)))
	return 1
}
