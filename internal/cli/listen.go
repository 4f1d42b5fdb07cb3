package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// shutdownTime is how long requests under way may take to end at a stop.
const shutdownTime = 2 * time.Second

// maxVisitors bounds the connections to pages and API.
const maxVisitors = 2000

// maxConnections leaves half of the file descriptors to checks and the store.
func maxConnections() int { return max(8, min(maxVisitors, descriptors()/2)) }

// listenAddress reads what --listen says: HOST:PORT, :PORT for all addresses, or a
// bare PORT of this machine alone.
func listenAddress(text string) (string, error) {
	if port, err := strconv.ParseUint(text, 10, 16); err == nil {
		return net.JoinHostPort("127.0.0.1", strconv.FormatUint(port, 10)), nil
	}
	_, _, err := net.SplitHostPort(text)
	if err != nil || strings.ContainsAny(text, "/ ") {
		return "", fmt.Errorf("--listen: write an address such as 127.0.0.1:8420, :8420 for all addresses, or a port alone for this machine")
	}
	return text, nil
}

// exposure says who can reach an address, when it is more than this machine.
func (c *serveCommand) exposure(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || tcp.IP.IsLoopback() {
		return ""
	}
	where := "at " + tcp.IP.String()
	if tcp.IP.IsUnspecified() {
		where = "at every address of this machine"
	}
	words := "It listens " + where + ": whoever reaches it over the network sees the login, public pages and pings."
	if c.TLSCert == "" {
		words += " Without --tls-cert passwords cross the network unencrypted, unless a proxy in front speaks TLS."
	}
	return words
}

func listenError(address string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("listen on %s: the address is in use; choose another with --listen", address)
	}
	return fmt.Errorf("listen on %s: %w", address, err)
}

// selfURL is the address under which the monitor reaches itself.
func (c *serveCommand) selfURL(a net.Addr) string {
	scheme := "http"
	if c.TLSCert != "" {
		scheme = "https"
	}
	name, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return scheme + "://" + a.String()
	}
	if ip := net.ParseIP(name); ip != nil && ip.IsUnspecified() {
		name = "127.0.0.1"
	}
	return scheme + "://" + net.JoinHostPort(name, port)
}

// serving is an HTTP server that runs.
type serving struct {
	server *http.Server
}

func (c *serveCommand) serveOn(l net.Listener, s *http.Server, failed chan<- error) serving {
	go func() {
		var err error
		if c.TLSCert != "" && l.Addr().Network() == "tcp" {
			err = s.ServeTLS(l, c.TLSCert, c.TLSKey)
		} else {
			err = s.Serve(l)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("serve on %s: %w", l.Addr(), err)
		}
	}()
	return serving{s}
}

func (s serving) stop(log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	if err := s.server.Shutdown(ctx); err != nil {
		log.Debug("requests were cut off", "error", err)
		s.server.Close()
	}
}
