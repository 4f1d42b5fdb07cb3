package auth

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/server/rest"
)

// Authenticate finds the caller of a request by token or session. Who shows
// neither is not known; a token that is not good is an error.
func (s *Sessions) Authenticate(r *http.Request) (rest.Caller, error) {
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, secret, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return rest.Caller{}, badToken()
		}
		who, ok := s.byToken(strings.TrimSpace(secret))
		if !ok {
			return rest.Caller{}, badToken()
		}
		return who, nil
	}
	if cookie, err := r.Cookie(cookieNameFor(s.Remote(r).TLS)); err == nil {
		if who, ok := s.bySession(cookie.Value); ok {
			return who, nil
		}
	}
	return rest.Caller{}, nil
}

func badToken() *rest.Problem {
	return rest.Refuse(http.StatusUnauthorized, "the token is not known, was revoked or has expired").
		With("WWW-Authenticate", `Bearer realm="moonwatch", error="invalid_token"`)
}

func (s *Sessions) byToken(secret string) (rest.Caller, bool) {
	_, user, role, ok := s.engine.Tokens.TokenUser(secret)
	if !ok {
		return rest.Caller{}, false
	}
	return rest.Caller{Actor: engine.Actor{User: user.ID, Name: user.Username, Role: role, Via: "api"}, Known: true, OwnRole: user.Role,
		Still: func() (access.Role, bool) {
			_, _, role, ok := s.engine.Tokens.TokenUser(secret)
			return role, ok
		}}, true
}

func (s *Sessions) bySession(secret string) (rest.Caller, bool) {
	session, user, ok := s.engine.Sessions.SessionUser(secret)
	if !ok {
		return rest.Caller{}, false
	}
	return rest.Caller{Actor: engine.Actor{User: user.ID, Name: user.Username, Role: user.Role, Via: "page"}, Known: true, OwnRole: user.Role,
		Session: session.ID,
		Still: func() (access.Role, bool) {
			_, user, ok := s.engine.Sessions.SessionUser(secret)
			if !ok {
				return "", false
			}
			return user.Role, true
		}}, true
}

// Trusts reports whether an address is that of a proxy whose word counts.
func (s *Sessions) Trusts(address string) bool {
	return rest.Within(s.engine.Settings().TrustedProxies, address)
}

// Remote is where a request comes from.
func (s *Sessions) Remote(r *http.Request) rest.Remote {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	at := rest.Remote{Address: host, TLS: r.TLS != nil}
	trusted := s.engine.Settings().TrustedProxies
	if len(trusted) == 0 || !rest.Within(trusted, host) {
		return at
	}
	at.TLS = at.TLS || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		at.Address = hop.Unmap().String()
		if !rest.Within(trusted, at.Address) {
			break
		}
	}
	return at
}
