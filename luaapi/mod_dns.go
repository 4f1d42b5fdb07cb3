package luaapi

import (
	"context"

	"moonwatch/luaapi/host"

	lua "github.com/yuin/gopher-lua"
)

func openDNS(*lua.LState) *lua.LTable {
	return moduleOf(map[string]lua.LGFunction{"lookup": dnsLookup, "canonical": dnsCanonical})
}

// dnsLookup is lookup(name, type, options); the type is A when left out.
func dnsLookup(L *lua.LState) int {
	a := args{L, "dns.lookup"}
	c := a.outside()
	req := host.LookupRequest{Name: a.text(1, "name"), Type: a.textOr(2, "type", "A")}
	o := a.options(3, "options", []string{"server", "timeout"})
	req.Server = o.text("server")
	var records []host.Record
	err := c.wait(o.seconds("timeout"), func(ctx context.Context) (err error) {
		records, err = c.host.Lookup(ctx, &req)
		return err
	})
	if err != nil {
		return failed(L, err)
	}
	list := newTable()
	for _, r := range records {
		t := newRecord(4)
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
	a := args{L, "dns.canonical"}
	kind, value := a.text(1, "type"), a.text(2, "value")
	if len(value) > maxRecord {
		a.fail(2, "value is longer than %d bytes", maxRecord)
	}
	L.Push(lua.LString(host.CanonicalRecord(kind, value)))
	return 1
}
