package server

import (
	"net/http"
	"net/netip"

	"moonwatch/engine"
	"moonwatch/engine/access"
)

// caller is who makes a request.
type caller struct {
	engine.Actor
	known   bool
	session string // id of the session, "" for tokens and the console
	// own is the caller's role without the limit of a token.
	own access.Role
	// still tells whether the caller may go on, and with what role: long
	// requests ask it again.
	still func() (access.Role, bool)
}

// console is the caller who reached the server from within the machine's own account.
func console() caller {
	return caller{Actor: engine.Actor{Name: "cli", Role: access.Admin, Via: "cli"}, known: true, own: access.Admin,
		still: func() (access.Role, bool) { return access.Admin, true }}
}

// need refuses callers who are not known or whose role does not include role.
func (w caller) need(role access.Role) error {
	if !w.known {
		return refuse(http.StatusUnauthorized, "log in, or send a token").with("WWW-Authenticate", `Bearer realm="moonwatch"`)
	}
	if !w.Role.Can(role) {
		return refuse(http.StatusForbidden, "this needs the role "+string(role))
	}
	return nil
}

// isAdmin reports whether the caller may change other people's things.
func (w caller) isAdmin() bool { return w.Role.Can(access.Admin) }

// remote is where a request comes from: the address of the connection, or what
// a trusted proxy says of it, and whether the client speaks TLS.
type remote struct {
	address string
	tls     bool
}

// visitor is where a request comes from as visitors are counted: an address, of
// IPv6 a /64.
func (r remote) visitor() string { return access.AddressKey(r.address) }

// within reports whether an address is one of the addresses and networks.
func within(networks []string, address string) bool {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return false
	}
	a = a.Unmap().WithZone("")
	for _, n := range networks {
		if p, err := netip.ParsePrefix(n); err == nil && p.Contains(a) {
			return true
		}
		if one, err := netip.ParseAddr(n); err == nil && one.Unmap() == a {
			return true
		}
	}
	return false
}
