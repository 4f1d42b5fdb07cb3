package server

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/access"
)

// Authenticate finds the caller of a request by token or session. Who shows
// neither is not known; a token that is not good is an error.
func (s *Sessions) Authenticate(r *http.Request) (caller, error) {
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
	if cookie, err := r.Cookie(cookieNameFor(s.Remote(r).tls)); err == nil {
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

func (s *Sessions) byToken(secret string) (caller, bool) {
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

func (s *Sessions) bySession(secret string) (caller, bool) {
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

// trusts reports whether an address is that of a proxy whose word counts.
func (s *Sessions) trusts(address string) bool {
	return within(s.engine.Settings().TrustedProxies, address)
}

// Remote is where a request comes from.
func (s *Sessions) Remote(r *http.Request) remote {
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
