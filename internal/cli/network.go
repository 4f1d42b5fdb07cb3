package cli

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"moonwatch/luaapi/host"
)

// prober is what the engine reaches of the network, through the same guarded
// interface as plugins.
type prober struct{ network *host.Net }

// Probe asks a URL, or connects to host:port.
func (p prober) Probe(ctx context.Context, target string) error {
	if strings.Contains(target, "://") {
		_, err := p.network.HTTP(ctx, &host.HTTPRequest{Method: http.MethodGet, URL: target})
		return err
	}
	name, port, err := net.SplitHostPort(target)
	if err != nil {
		return err
	}
	number, err := net.LookupPort("tcp", port)
	if err != nil {
		return err
	}
	conn, err := p.network.Dial(ctx, &host.DialRequest{Host: name, Port: number})
	if err != nil {
		return err
	}
	return conn.Close()
}

// Fetch gets what is behind a URL, or behind where that redirects to; anything
// but an answer of 200 is an error.
func (p prober) Fetch(ctx context.Context, url string, most int64) ([]byte, error) {
	answer, err := p.network.HTTP(ctx, &host.HTTPRequest{Method: http.MethodGet, URL: url, MaxBody: most, Redirects: host.DefaultRedirects})
	switch {
	case err != nil:
		return nil, err
	case answer.Status != http.StatusOK:
		return nil, fmt.Errorf("the server answered with status %d", answer.Status)
	case answer.Truncated:
		return nil, fmt.Errorf("the answer is larger than %d bytes", most)
	}
	return []byte(answer.Body), nil
}

func prefixes(flag string, texts []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			if a, addrErr := netip.ParseAddr(text); addrErr == nil {
				p, err = netip.PrefixFrom(a, a.BitLen()), nil
			}
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %q is no network such as 10.0.0.0/8", flag, text)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

func (c *serveCommand) network() (*host.Net, error) {
	o := host.DefaultOptions()
	o.AllowExec, o.AllowEnv = c.AllowExec, c.AllowEnv
	var err error
	if o.Allow, err = prefixes("--allow-net", c.AllowNet); err != nil {
		return nil, err
	}
	if o.Deny, err = prefixes("--deny-net", c.DenyNet); err != nil {
		return nil, err
	}
	return host.New(o)
}
