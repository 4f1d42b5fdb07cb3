package module

import (
	"context"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/host"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/vm"
)

func openICMP(*lua.LState) *lua.LTable {
	return ModuleOf(map[string]lua.LGFunction{"ping": icmpPing})
}

// icmpPing is ping(host or array of hosts, options).
func icmpPing(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "icmp.ping"}
	c := a.Outside()
	o := a.Options(2, "options", []string{"count", "interval", "size", "timeout"})
	req := host.PingRequest{
		Count:    o.Integer("count", 0, 1, host.MaxPingCount),
		Interval: o.Seconds("interval"),
		Size:     o.Integer("size", 0, host.MinPingSize, host.MaxPingSize),
		Timeout:  o.Seconds("timeout"),
	}
	if list, ok := L.Get(1).(*lua.LTable); ok {
		return pingAll(L, c, req, a.TextArray(1, "hosts", list))
	}
	req.Host = a.Text(1, "host")
	var answer *host.PingAnswer
	err := c.Wait(0, func(ctx context.Context) (err error) {
		answer, err = c.Host.Ping(ctx, &req)
		return err
	})
	if err != nil {
		return vm.Failed(L, err)
	}
	L.Push(EchoTable(answer))
	return 1
}

// pingAll pings hosts, up to 16 at a time; one that fails is { error, kind }.
func pingAll(L *lua.LState, c *vm.Call, req host.PingRequest, hosts []string) int {
	if len(hosts) > maxAll {
		vm.Args{L: L, Fn: "icmp.ping"}.Fail(1, "there are more than %d hosts", maxAll)
	}
	answers := make([]*host.PingAnswer, len(hosts))
	errs, err := together(c, len(hosts), func(ctx context.Context, i int) (err error) {
		one := req
		one.Host = hosts[i]
		answers[i], err = c.Host.Ping(ctx, &one)
		return err
	})
	if err != nil {
		return vm.Failed(L, err)
	}
	list := luaval.NewTable()
	for i := range hosts {
		if errs[i] != nil {
			list.Append(ErrorTable(errs[i]))
		} else {
			list.Append(EchoTable(answers[i]))
		}
	}
	L.Push(list)
	return 1
}

// EchoTable is { sent, received, loss, min, avg, max }; the times are nil when
// nothing came back.
func EchoTable(p *host.PingAnswer) *lua.LTable {
	t := luaval.NewRecord(6)
	t.RawSetString("sent", lua.LNumber(p.Sent))
	t.RawSetString("received", lua.LNumber(p.Received))
	t.RawSetString("loss", lua.LNumber(p.Loss))
	if p.Received > 0 {
		t.RawSetString("min", InSeconds(p.Min))
		t.RawSetString("avg", InSeconds(p.Avg))
		t.RawSetString("max", InSeconds(p.Max))
	}
	return t
}
