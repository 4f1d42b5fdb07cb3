package cli

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"

	"moonwatch/luaapi/host"
)

// outside is what the engine reaches of the network, through the same guarded
// interface as plugins.
type outside struct{ network *host.Net }

// Probe asks a URL, or connects to host:port.
func (o outside) Probe(ctx context.Context, target string) error {
	if strings.Contains(target, "://") {
		_, err := o.network.HTTP(ctx, &host.HTTPRequest{Method: http.MethodGet, URL: target})
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
	conn, err := o.network.Dial(ctx, &host.DialRequest{Host: name, Port: number})
	if err != nil {
		return err
	}
	return conn.Close()
}

// Fetch gets what is behind a URL, or behind where that redirects to; anything
// but an answer of 200 is an error.
func (o outside) Fetch(ctx context.Context, url string, most int64) ([]byte, error) {
	answer, err := o.network.HTTP(ctx, &host.HTTPRequest{Method: http.MethodGet, URL: url, MaxBody: most, Redirects: host.DefaultRedirects})
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
