package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"moonwatch/server"
)

// socketMost is the longest path that a Unix socket can have on all systems.
const socketMost = 100

// listenSocket listens on the socket by which commands reach the running
// monitor. Whoever may open the data folder may use it. It is made in a private
// folder and moved from there: at no time can others open it.
func listenSocket(path string) (_ net.Listener, err error) {
	if len(path) > socketMost {
		return nil, fmt.Errorf("the path %s is too long for a socket", path)
	}
	private, err := os.MkdirTemp(filepath.Dir(path), ".s") // mode 0700
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(private)) }()
	made := filepath.Join(private, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: made, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false) // under the name that it no longer has
	if err := errors.Join(os.Chmod(made, 0o600), os.Rename(made, path)); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return movedListener{l, path}, nil
}

// movedListener removes its socket from where it was moved to.
type movedListener struct {
	*net.UnixListener
	path string
}

// Close stops listening.
func (l movedListener) Close() error {
	err := l.UnixListener.Close()
	if err == nil {
		os.Remove(l.path) // one that stays is taken for a monitor's that has ended
	}
	return err
}

// client speaks to the monitor's API as the command line: to the running
// monitor through its socket, or else to the opened data folder.
type client struct {
	http  *http.Client
	close func() error
}

// running returns a client for the monitor that has the data folder open, nil
// when none runs.
func (f dataFlag) running(ctx context.Context) (*client, error) {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "unix", f.socket())
	}
	conn, err := dial(ctx, "", "")
	switch {
	case err == nil:
		conn.Close()
		return &client{&http.Client{Transport: &http.Transport{DialContext: dial}}, func() error { return nil }}, nil
	case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED), len(f.socket()) > socketMost:
		return nil, nil
	}
	return nil, fmt.Errorf("reach the running monitor: %w", err)
}

// connect returns a client for the data folder: of the monitor that runs, or of
// the folder itself, which is opened then, without plugins.
func (f dataFlag) connect(ctx context.Context) (*client, error) {
	if c, err := f.running(ctx); c != nil || err != nil {
		return c, err
	}
	opened, err := f.open(ctx, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		return nil, err
	}
	return opened.client(opened.close)
}

// client returns a client of the opened folder; close is called with it.
func (f *folder) client(close func() error) (*client, error) {
	api, err := server.New(server.Options{Engine: f.engine, Logger: slog.New(slog.DiscardHandler), Version: version, Open: f.sealer.Open})
	if err != nil {
		return nil, errors.Join(err, close())
	}
	return &client{&http.Client{Transport: direct{api.SocketHandler()}}, close}, nil
}

// call makes one request and decodes the answer into out, which may be nil.
func (c *client) call(ctx context.Context, method, path string, body, out any) error {
	var payload io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return err
		}
		payload = bytes.NewReader(data)
	}
	headers := http.Header{}
	if body != nil {
		headers.Set("Content-Type", "application/json")
	}
	status, data, err := c.ask(ctx, method, path, payload, headers)
	if err != nil {
		return err
	}
	if status >= 300 {
		return problemOf(status, data)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(data, out)
}

// ask makes one request and returns what was answered.
func (c *client) ask(ctx context.Context, method, path string, body io.Reader, headers http.Header) (status int, data []byte, err error) {
	answer, err := c.open(ctx, method, path, body, headers)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	if data, err = io.ReadAll(answer.Body); err != nil {
		return 0, nil, fmt.Errorf("read the monitor's answer: %w", err)
	}
	return answer.StatusCode, data, nil
}

// open makes one request; the answer's body is the caller's to close.
func (c *client) open(ctx context.Context, method, path string, body io.Reader, headers http.Header) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://moonwatch/api/v1"+path, body)
	if err != nil {
		return nil, err
	}
	maps.Copy(r.Header, headers)
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask the monitor: %w", err)
	}
	return answer, nil
}

// problemOf turns an error of the API into one for the terminal.
func problemOf(status int, data []byte) error {
	var p struct {
		Title  string
		Detail string
		Errors []struct{ Location, Message string }
	}
	if json.Unmarshal(data, &p) != nil || p.Title == "" && p.Detail == "" {
		return fmt.Errorf("the monitor answered %d", status)
	}
	var lines []string
	for _, e := range p.Errors {
		lines = append(lines, strings.TrimPrefix(e.Location+": "+e.Message, ": "))
	}
	if len(lines) > 0 {
		return errors.New(strings.Join(lines, "; "))
	}
	if p.Detail != "" {
		return errors.New(p.Detail)
	}
	return errors.New(p.Title)
}

// direct hands requests to a handler in this process.
type direct struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := &recorder{header: http.Header{}, status: http.StatusOK}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	d.handler.ServeHTTP(w, r)
	return &http.Response{StatusCode: w.status, Header: w.header, Body: io.NopCloser(&w.body), Request: r,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}, nil
}

// recorder keeps what a handler writes.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header         { return w.header }
func (w *recorder) WriteHeader(status int)      { w.status = status }
func (w *recorder) Write(b []byte) (int, error) { return w.body.Write(b) }

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
