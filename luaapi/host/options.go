package host

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"time"
)

// Options configure a Net. Start from DefaultOptions.
type Options struct {
	// Allow and Deny are ranges that may or may not be reached. The longest
	// prefix that holds an address decides, Deny before Allow when both are
	// equally long. Link-local, cloud metadata, multicast and unspecified
	// addresses count as denied; everything else is allowed when nothing holds it.
	Allow, Deny []netip.Prefix
	// AllowExec are the absolute paths of the programs that Exec runs. Empty: none.
	AllowExec []string
	// AllowEnv are names of environment variables that plugins may set for them,
	// besides those of AllowedEnv.
	AllowEnv []string
	// PerHost is how many connections are open to one host and port at a time;
	// more wait for one to close. At least 1.
	PerHost int
	// MaxAge is how long an HTTP connection serves further requests, counted from
	// the look-up of its name: then the next one looks up, connects and verifies
	// anew. It is a little under a minute, so that a check that is made every
	// minute or less often never sees an older one.
	MaxAge time.Duration
	// DialTimeout bounds one attempt to connect, TLS included, beside the caller's context.
	DialTimeout time.Duration
	// UserAgent is sent with HTTP requests that name none.
	UserAgent string
	// Resolve looks up the addresses of a name; nil is the system's resolver.
	Resolve func(ctx context.Context, name string) ([]netip.Addr, error)
	// Nameservers are asked by Lookup ("host:port"); nil reads them from the system.
	Nameservers []string
}

// DefaultOptions are those of a monitor that watches its own network: loopback
// and private addresses may be reached, and no program may be run.
func DefaultOptions() Options {
	return Options{
		PerHost:     64,
		MaxAge:      50 * time.Second,
		DialTimeout: time.Minute,
		UserAgent:   "Moonwatch",
	}
}

// Validate reports the first problem of the options.
func (o *Options) Validate() error {
	if o.PerHost < 1 {
		return fmt.Errorf("connections per host must be at least 1, got %d", o.PerHost)
	}
	if o.MaxAge <= 0 || o.DialTimeout <= 0 {
		return fmt.Errorf("greatest age of connections and dial timeout must be positive")
	}
	for _, path := range o.AllowExec {
		if !filepath.IsAbs(path) {
			return fmt.Errorf("program to allow must be an absolute path, got %q", path)
		}
	}
	for _, name := range o.AllowEnv {
		if name == "" || strings.ContainsAny(name, "=\x00") {
			return fmt.Errorf("environment variable to allow must be a name, got %q", name)
		}
	}
	return nil
}
