package server

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

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

// authenticate finds the caller of a request by token or session. Who shows
// neither is not known; a token that is not good is an error.
func (s *Server) authenticate(r *http.Request) (caller, error) {
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, secret, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return caller{}, badToken()
		}
		who, ok := s.byToken(strings.TrimSpace(secret))
		if !ok {
			return caller{}, badToken()
		}
		return who, nil
	}
	if cookie, err := r.Cookie(cookieNameFor(s.remote(r).tls)); err == nil {
		if who, ok := s.bySession(cookie.Value); ok {
			return who, nil
		}
	}
	return caller{}, nil
}

func badToken() *problem {
	return refuse(http.StatusUnauthorized, "the token is not known, was revoked or has expired").
		with("WWW-Authenticate", `Bearer realm="moonwatch", error="invalid_token"`)
}

func (s *Server) byToken(secret string) (caller, bool) {
	_, user, role, ok := s.engine.TokenUser(secret)
	if !ok {
		return caller{}, false
	}
	return caller{Actor: engine.Actor{User: user.ID, Name: user.Username, Role: role, Via: "api"}, known: true, own: user.Role,
		still: func() (access.Role, bool) {
			_, _, role, ok := s.engine.TokenUser(secret)
			return role, ok
		}}, true
}

func (s *Server) bySession(secret string) (caller, bool) {
	session, user, ok := s.engine.SessionUser(secret)
	if !ok {
		return caller{}, false
	}
	return caller{Actor: engine.Actor{User: user.ID, Name: user.Username, Role: user.Role, Via: "page"}, known: true, own: user.Role,
		session: session.ID,
		still: func() (access.Role, bool) {
			_, user, ok := s.engine.SessionUser(secret)
			if !ok {
				return "", false
			}
			return user.Role, true
		}}, true
}

// remote is where a request comes from: the address of the connection, or what
// a trusted proxy says of it, and whether the client speaks TLS.
type remote struct {
	address string
	tls     bool
}

func (s *Server) remote(r *http.Request) remote {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	at := remote{address: host, tls: r.TLS != nil}
	trusted := s.engine.Settings().TrustedProxies
	if len(trusted) == 0 || !within(trusted, host) {
		return at
	}
	at.tls = at.tls || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		at.address = hop.Unmap().String()
		if !within(trusted, at.address) {
			break
		}
	}
	return at
}

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

// Bounds on those who wait for a password to be hashed.
const (
	hashingMost = 64
	hashingTime = 10 * time.Second
)

// guard bounds work that takes memory. It blocks for hashingTime at most; the
// error is an *engine.Error.
func (s *Server) guard(ctx context.Context) (release func(), err error) {
	busy := &engine.Error{Kind: engine.Unavailable, Message: "too many passwords are being checked; try again in a moment"}
	if s.queued.Add(1) > hashingMost {
		s.queued.Add(-1)
		return nil, busy
	}
	defer s.queued.Add(-1)
	ctx, cancel := context.WithTimeout(ctx, hashingTime)
	defer cancel()
	select {
	case s.hashing <- struct{}{}:
		return func() { <-s.hashing }, nil
	case <-ctx.Done():
		return nil, busy
	}
}

// visitor is where a request comes from as visitors are counted.
func (s *Server) visitor(r *http.Request) string { return access.AddressKey(s.remote(r).address) }
