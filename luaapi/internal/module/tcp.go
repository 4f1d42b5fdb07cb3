package module

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/host"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/vm"
)

// Limits of module tcp.
const (
	maxLine        = 1 << 20 // bytes of a line
	maxConnections = 200     // that one run opens
)

func openTCP(*lua.LState) *lua.LTable {
	return ModuleOf(map[string]lua.LGFunction{"connect": tcpConnect})
}

// tcpConnection is a stream as Lua sees it.
type tcpConnection struct {
	conn    host.Conn
	timeout time.Duration // of each operation; 0 is the run's own
	unread  []byte        // received and not asked for yet
	held    atomic.Int64  // bytes, for who measures the run while it waits
	target  string
	closed  bool
	ended   bool // the other side has closed
	asked   bool // something was sent whole, and nothing was received since
}

// connectionSize is what an open connection takes beside what it has received.
const connectionSize = 16 << 10

// TCPMeta is never written.
var TCPMeta = methodsOf("connection", map[string]lua.LGFunction{
	"send":     tcpSend,
	"receive":  tcpReceive,
	"starttls": tcpStartTLS,
	"close":    tcpClose,
})

var TCPTLSKeys = []string{"server_name", "verify", "ca"}

// tcpConnect is connect(host, port, options). The connection is closed at the
// run's end, if not before.
func tcpConnect(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "tcp.connect"}
	c := a.Outside()
	req := host.DialRequest{Host: a.Text(1, "host"), Port: a.Integer(2, "port", 1, 65535)}
	o := a.Options(3, "options", []string{"timeout", "tls"})
	req.TLS = streamTLS(o, "tls")
	if len(c.Closers) >= maxConnections {
		L.RaiseError("tcp.connect: more than %d connections in one run", maxConnections)
	}
	t := &tcpConnection{timeout: o.Seconds("timeout"), target: req.Host}
	err := c.Wait(t.timeout, func(ctx context.Context) (err error) {
		t.conn, err = c.Host.Dial(ctx, &req)
		return err
	})
	if t.conn != nil {
		t.held.Store(connectionSize)
		c.Connections = append(c.Connections, t)
		c.Closers = append(c.Closers, func() { t.conn.Close() })
	}
	if err != nil {
		return vm.Failed(L, err)
	}
	L.Push(objectOf(t, TCPMeta))
	return 1
}

// streamTLS reads tls = true, or a table.
func streamTLS(o vm.Options, key string) *host.TLSOptions {
	switch v := o.Get(key).(type) {
	case *lua.LNilType:
		return nil
	case lua.LBool:
		if v {
			return &host.TLSOptions{}
		}
		return nil
	case *lua.LTable:
		return streamOptions(o.OptionsOf(o.N, v, TCPTLSKeys))
	}
	o.Wrong(key, "true or a table")
	return nil
}

func streamOptions(o vm.Options) *host.TLSOptions {
	t := &host.TLSOptions{ServerName: o.Text("server_name")}
	tlsOptions(o, t)
	return t
}

// connection returns the connection that a method was called on.
func connectionOf(a vm.Args) *tcpConnection {
	if u, ok := a.L.Get(1).(*lua.LUserData); ok {
		if t, ok := u.Value.(*tcpConnection); ok {
			return t
		}
	}
	a.L.RaiseError("%s must be called with a colon on a connection", a.Fn)
	return nil
}

// use runs fn on an open connection.
func (t *tcpConnection) use(c *vm.Call, timeout time.Duration, fn func(ctx context.Context) error) error {
	if t.closed {
		return &host.Error{Kind: host.Closed, Message: "the connection is closed"}
	}
	return c.Wait(timeout, fn)
}

func tcpSend(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "connection:send"}
	c, t := a.Outside(), connectionOf(a)
	text := a.Text(2, "text")
	err := t.use(c, t.timeout, func(ctx context.Context) error { return t.conn.Send(ctx, text) })
	t.asked = t.asked || err == nil && text != ""
	return done(L, err)
}

// done answers true, or as functions that can fail do.
func done(L *lua.LState, err error) int {
	if err != nil {
		return vm.Failed(L, err)
	}
	L.Push(lua.LTrue)
	return 1
}

// tcpReceive is receive("*l" | "*a" | "*s" | n [, timeout]); "*l" when nothing is
// asked for. The timeout is that of this call alone.
func tcpReceive(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "connection:receive"}
	c, t := a.Outside(), connectionOf(a)
	read := t.line
	switch v := L.Get(2).(type) {
	case *lua.LNilType:
	case lua.LNumber:
		n := a.Integer(2, "n", 0, vm.MaxBuilt)
		read = func(ctx context.Context) (string, error) { return t.exactly(ctx, n) }
	default:
		switch strings.TrimPrefix(v.String(), "*") {
		case "l":
		case "a":
			read = t.all
		case "s":
			read = t.some
		default:
			a.Fail(2, `pattern must be "*l", "*a", "*s" or a number, got %s`, luaval.KeyText(v))
		}
	}
	timeout := t.timeout
	if a.Has(3) {
		timeout = a.Seconds(3, "timeout")
	}
	var text string
	err := t.use(c, timeout, func(ctx context.Context) (err error) {
		text, err = read(ctx)
		return err
	})
	t.heard(c, text, err)
	if err != nil {
		return vm.Failed(L, err)
	}
	L.Push(lua.LString(text))
	return 1
}

// heard notes when what was asked before got no answer: the wait for one failed,
// or the other side closed without a word. An empty line is a word.
func (t *tcpConnection) heard(c *vm.Call, text string, err error) {
	if t.asked && (err != nil || text == "" && t.ended) {
		host.NoteUnanswered(c.Ctx)
	}
	t.asked = t.asked && err != nil
}

// more waits for bytes.
func (t *tcpConnection) more(ctx context.Context) error {
	got, err := t.conn.Receive(ctx, 32<<10)
	t.unread = append(t.unread, got...)
	t.ended = host.KindOf(err) == host.Closed
	t.hold()
	return err
}

// Holds is how many bytes the connection holds outside of Lua.
func (t *tcpConnection) Holds() int64 { return t.held.Load() }

// hold notes how much the connection holds.
func (t *tcpConnection) hold() { t.held.Store(int64(cap(t.unread)) + connectionSize) }

// take removes n bytes from what was received.
func (t *tcpConnection) take(n int) string {
	text := string(t.unread[:n])
	t.unread = t.unread[n:]
	if len(t.unread) == 0 {
		t.unread = nil
	}
	t.hold()
	return text
}

// line reads a line without its end.
func (t *tcpConnection) line(ctx context.Context) (string, error) {
	searched := 0
	for {
		for i := searched; i < len(t.unread); i++ {
			if t.unread[i] == '\n' {
				return strings.TrimRight(t.take(i+1), "\r\n"), nil
			}
		}
		if searched = len(t.unread); searched > maxLine {
			return "", &host.Error{Kind: host.TooLarge, Message: "the line is longer than 1 MiB"}
		}
		if err := t.more(ctx); err != nil {
			return "", err
		}
	}
}

// exactly reads n bytes.
func (t *tcpConnection) exactly(ctx context.Context, n int) (string, error) {
	for len(t.unread) < n {
		if err := t.more(ctx); err != nil {
			return "", err
		}
	}
	return t.take(n), nil
}

// some reads what has come, waiting while that is nothing.
func (t *tcpConnection) some(ctx context.Context) (string, error) {
	if len(t.unread) == 0 {
		if err := t.more(ctx); err != nil {
			return "", err
		}
	}
	return t.take(len(t.unread)), nil
}

// all reads until the other side closes.
func (t *tcpConnection) all(ctx context.Context) (string, error) {
	for {
		if len(t.unread) > vm.MaxBuilt {
			return "", &host.Error{Kind: host.TooLarge, Message: "the answer is longer than 8 MiB"}
		}
		err := t.more(ctx)
		if host.KindOf(err) == host.Closed {
			return t.take(len(t.unread)), nil
		}
		if err != nil {
			return "", err
		}
	}
}

// tcpStartTLS is starttls(options). What came before TLS and was not read is an
// error: it may have been put there by somebody else.
func tcpStartTLS(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "connection:starttls"}
	c, t := a.Outside(), connectionOf(a)
	req := streamOptions(a.Options(2, "options", TCPTLSKeys))
	if len(t.unread) > 0 {
		return vm.Failed(L, &host.Error{Kind: host.Protocol, Message: "there is unread plain text before TLS"})
	}
	return done(L, t.use(c, t.timeout, func(ctx context.Context) error { return t.conn.StartTLS(ctx, req) }))
}

func tcpClose(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "connection:close"}
	t := connectionOf(a)
	t.closed, t.unread = true, nil
	t.conn.Close()
	t.held.Store(0)
	L.Push(lua.LTrue)
	return 1
}
