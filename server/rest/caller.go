package rest

import (
	"net/http"
	"net/netip"

	"moonwatch/engine"
	"moonwatch/engine/access"
)

// Caller is who makes a request.
type Caller struct {
	engine.Actor
	Known   bool
	Session string // id of the session, "" for tokens and the console
	// own is the caller's role without the limit of a token.
	OwnRole access.Role
	// still tells whether the caller may go on, and with what role: long
	// requests ask it again.
	Still func() (access.Role, bool)
}

// console is the caller who reached the server from within the machine's own account.
func console() Caller {
	return Caller{Actor: engine.Actor{Name: "cli", Role: access.Admin, Via: "cli"}, Known: true, OwnRole: access.Admin,
		Still: func() (access.Role, bool) { return access.Admin, true }}
}

// Need refuses callers who are not known or whose role does not include role.
func (w Caller) Need(role access.Role) error {
	if !w.Known {
		return Refuse(http.StatusUnauthorized, "log in, or send a token").With("WWW-Authenticate", `Bearer realm="moonwatch"`)
	}
	if !w.Role.Can(role) {
		return Refuse(http.StatusForbidden, "this needs the role "+string(role))
	}
	return nil
}

// IsAdmin reports whether the caller may change other people's things.
func (w Caller) IsAdmin() bool { return w.Role.Can(access.Admin) }

// Remote is where a request comes from: the address of the connection, or what
// a trusted proxy says of it, and whether the client speaks TLS.
type Remote struct {
	Address string
	TLS     bool
}

// Visitor is where a request comes from as visitors are counted: an address, of
// IPv6 a /64.
func (r Remote) Visitor() string { return access.AddressKey(r.Address) }

// Within reports whether an address is one of the addresses and networks.
func Within(networks []string, address string) bool {
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
