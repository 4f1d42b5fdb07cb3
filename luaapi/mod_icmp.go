package luaapi

import (
	"context"

	"moonwatch/luaapi/host"

	lua "github.com/yuin/gopher-lua"
)

func openICMP(*lua.LState) *lua.LTable {
	return moduleOf(map[string]lua.LGFunction{"ping": icmpPing})
}

// icmpPing is ping(host or array of hosts, options).
func icmpPing(L *lua.LState) int {
	a := args{L, "icmp.ping"}
	c := a.outside()
	o := a.options(2, "options", []string{"count", "interval", "size", "timeout"})
	req := host.PingRequest{
		Count:    o.integer("count", 0, 1, host.MaxPingCount),
		Interval: o.seconds("interval"),
		Size:     o.integer("size", 0, host.MinPingSize, host.MaxPingSize),
		Timeout:  o.seconds("timeout"),
	}
	if list, ok := L.Get(1).(*lua.LTable); ok {
		return pingAll(L, c, req, a.textArray(1, "hosts", list))
	}
	req.Host = a.text(1, "host")
	var answer *host.PingAnswer
	err := c.wait(0, func(ctx context.Context) (err error) {
		answer, err = c.host.Ping(ctx, &req)
		return err
	})
	if err != nil {
		return failed(L, err)
	}
	L.Push(echoTable(answer))
	return 1
}

// pingAll pings hosts, up to 16 at a time; one that fails is { error, kind }.
func pingAll(L *lua.LState, c *call, req host.PingRequest, hosts []string) int {
	if len(hosts) > maxAll {
		args{L, "icmp.ping"}.fail(1, "there are more than %d hosts", maxAll)
	}
	answers := make([]*host.PingAnswer, len(hosts))
	errs := make([]error, len(hosts))
	err := c.wait(0, func(ctx context.Context) error {
		return c.together(len(hosts), func(i int) {
			one := req
			one.Host = hosts[i]
			answers[i], errs[i] = c.host.Ping(ctx, &one)
		})
	})
	if err != nil {
		return failed(L, err)
	}
	list := newTable()
	for i := range hosts {
		if errs[i] != nil {
			list.Append(errorTable(errs[i]))
		} else {
			list.Append(echoTable(answers[i]))
		}
	}
	L.Push(list)
	return 1
}

// echoTable is { sent, received, loss, min, avg, max }; the times are nil when
// nothing came back.
func echoTable(p *host.PingAnswer) *lua.LTable {
	t := newRecord(6)
	t.RawSetString("sent", lua.LNumber(p.Sent))
	t.RawSetString("received", lua.LNumber(p.Received))
	t.RawSetString("loss", lua.LNumber(p.Loss))
	if p.Received > 0 {
		t.RawSetString("min", inSeconds(p.Min))
		t.RawSetString("avg", inSeconds(p.Avg))
		t.RawSetString("max", inSeconds(p.Max))
	}
	return t
}
