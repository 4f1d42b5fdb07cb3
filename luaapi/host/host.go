package host

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"
)

// Host reaches the outside for a run. Requests are read-only for the host, and
// answers belong to the caller. Every method is safe for concurrent use, may
// block, and ends soon after ctx does. Errors are *Error, always.
type Host interface {
	// HTTP makes one request and follows its redirects. Any status is an answer.
	HTTP(ctx context.Context, req *HTTPRequest) (*HTTPResponse, error)
	// Dial opens a stream. The caller closes it.
	Dial(ctx context.Context, req *DialRequest) (Conn, error)
	// Ping sends ICMP echo requests. No reply at all is an answer.
	Ping(ctx context.Context, req *PingRequest) (*PingAnswer, error)
	// Mail sends one message by SMTP and returns the recipients that the server
	// refused while it took others.
	Mail(ctx context.Context, mail *Mail) (refused []string, err error)
	// Lookup asks the DNS. A name without such a record is an empty answer.
	Lookup(ctx context.Context, req *LookupRequest) ([]Record, error)
	// Certificate returns the certificate that a server shows, trusted or not.
	Certificate(ctx context.Context, req *CertificateRequest) (*Certificate, error)
	// Exec runs a program that the operator allows. Any exit code is an answer. One
	// that is ended by ctx is an error, and an answer with what it printed until then.
	Exec(ctx context.Context, req *ExecRequest) (*ExecAnswer, error)
}

// HTTPRequest is one HTTP request. The zero value of every field but URL is usable.
type HTTPRequest struct {
	Method    string      // "" is GET
	URL       string      // absolute, http or https
	Header    http.Header // names in canonical form; nil is none
	Body      string
	Auth      *BasicAuth // nil: none
	Redirects int        // how many to follow; 0 returns the first answer
	// KeepMethod sends the method and body again after 301 and 302, too, where
	// browsers make a GET of everything but HEAD.
	KeepMethod bool
	// MaxBody is how many bytes are kept of the decoded body, before it becomes
	// UTF-8. 0 is DefaultMaxBody, and NoBody reads none.
	MaxBody int64
	// BodyTimeout makes the body optional: one that has not come whole so long
	// after the header, or breaks off, is no error but Truncated. 0 waits for it.
	BodyTimeout time.Duration
	RawBody     bool   // leave text in its charset; else Body is UTF-8
	ConnectTo   string // "host:port" to connect to in place of the URL's, at most 300 bytes; "" is the URL's
	TLS         TLSOptions
	// Owner is whose request it is, such as a plugin's slug. Connections are
	// never shared between owners.
	Owner string `json:"-"`
	// Jar keeps cookies between the requests of a session; nil keeps none.
	Jar http.CookieJar `json:"-"`
	// Received counts the bytes that the body takes while it is read; nil: nobody asks.
	Received *atomic.Int64 `json:"-"`
}

// NoBody is the MaxBody of requests that want none.
const NoBody = -1

// DefaultMaxBody is how many bytes of a body are kept when nothing else is said.
const DefaultMaxBody = 1 << 20

// DefaultRedirects is how many redirects a plugin's request follows when nothing else is said.
const DefaultRedirects = 10

// BasicAuth is a user name and password. They are sent to the first host
// alone, not to others that it redirects to.
type BasicAuth struct {
	User, Password string
}

// TLSOptions say how the other side is verified. The zero value verifies
// against the system's roots and the name that is connected to. It is comparable.
type TLSOptions struct {
	ServerName string // "" is the host that is connected to
	Insecure   bool   // do not verify
	CA         string // PEM of the roots to trust in place of the system's, at most MaxPEM bytes
	ClientCert string // PEM, likewise
	ClientKey  string // PEM, likewise
}

// MaxPEM bounds each of the texts in PEM of TLSOptions, in bytes.
const MaxPEM = 64 << 10

// HTTPResponse is an answer to an HTTPRequest.
type HTTPResponse struct {
	Status    int
	Header    http.Header
	Body      string // decoded, and UTF-8 if it is text whose charset is known
	Truncated bool   // the body was longer than MaxBody, or did not come whole within BodyTimeout
	Undecoded string // why Body cannot be read: an encoding such as "br", or "charset …"; "" when it can
	URL       string // of the last request after redirects
	Timings   Timings
	TLS       *TLSState // nil without TLS
	Expiry    *Expiry   // the earliest over all redirects; nil when none spoke TLS
}

// Expiry is when one of the certificates ends that a connection needs.
type Expiry struct {
	At      time.Time
	Subject string // of the certificate
	Leaf    bool   // it is the server's own
	Host    string // whose server needs it
}

// Timings say where the time of the last request went. What did not happen
// (a connection that was kept) is 0. Total covers redirects and the body.
type Timings struct {
	DNS, Connect, TLS, FirstByte, Total time.Duration
}

// TLSState is what is known of the certificate at the other end.
type TLSState struct {
	NotAfter time.Time
	Issuer   string
	Subject  string
	DNSNames []string
	Verified bool // against the roots and name asked for, also when Insecure
	// Expiry is when the first certificate ends of the chain that is good for
	// longest; of one that is not verified, the server's own.
	Expiry Expiry
}

// DialRequest asks for a stream.
type DialRequest struct {
	Host string // name or address
	Port int
	TLS  *TLSOptions // nil: plain
}

// Conn is a stream. It is used by one goroutine at a time; Close may come from any.
type Conn interface {
	// Send writes all of data.
	Send(ctx context.Context, data string) error
	// Receive waits for bytes and returns those that came, at least one and at
	// most max. The end of the stream is an *Error of kind Closed.
	Receive(ctx context.Context, max int) (string, error)
	// StartTLS turns the stream into TLS.
	StartTLS(ctx context.Context, options *TLSOptions) error
	// Close ends the stream. A second Close does nothing.
	Close() error
}

// PingRequest asks for echoes from one host. Zero values take the defaults named.
type PingRequest struct {
	Host     string
	Count    int           // packets (3), at most MaxPingCount
	Interval time.Duration // between packets (1s when 0), at least 10ms
	Size     int           // bytes of payload (56), 24 to MaxPingSize
	Timeout  time.Duration // for each packet (1s)
}

// PingAnswer is what came back.
type PingAnswer struct {
	Sent, Received int
	Loss           float64       // percent
	Min, Avg, Max  time.Duration // 0 when nothing came back
}

// Security is how an SMTP connection is protected.
type Security string

// The ways to protect SMTP. StartTLS and TLS verify the server.
const (
	SecurityStartTLS Security = "starttls"
	SecurityTLS      Security = "tls"
	SecurityNone     Security = "none"
)

// Mail is one message and the server that takes it.
type Mail struct {
	Host               string
	Port               int // 0: 587 with starttls, 465 with tls, 25 with none
	Security           Security
	Username, Password string // Username "": no login
	From               string // "a@b" or "Name <a@b>"
	To, Cc             []string
	Subject            string
	Text, HTML         string
	Headers            []HeaderField
	TLS                TLSOptions // for starttls and tls
}

// HeaderField is one line of a header.
type HeaderField struct {
	Name, Value string
}

// LookupRequest asks for the records of one type.
type LookupRequest struct {
	Name   string
	Type   string // "A", "MX", …
	Server string // "host" or "host:port"; "" is the system's
}

// Record is one DNS record.
type Record struct {
	Type       string
	Value      string
	TTL        int // seconds
	Preference int // of MX and SRV; -1 elsewhere
}

// CertificateRequest asks for the certificate of a server.
type CertificateRequest struct {
	Host       string
	Port       int
	ServerName string // "" is Host
	StartTLS   string // "" smtp imap pop3 ftp postgresql
}

// Certificate is a server's certificate.
type Certificate struct {
	Subject, Issuer     string
	NotBefore, NotAfter time.Time
	DNSNames            []string
	Verified            bool
	VerifyError         string // "" when verified
	Expiry              Expiry // as in TLSState
}

// ExecRequest asks for a program to be run, without a shell.
type ExecRequest struct {
	Path  string // absolute
	Args  []string
	Stdin string
	Env   map[string]string // besides PATH and LANG=C; AllowedEnv says which
}

// ExecAnswer is how a program ended. Output beyond MaxExecOutput is dropped.
type ExecAnswer struct {
	Code           int    // exit code; -1 when ended by a signal
	Signal         string // name of the signal that ended it, else ""
	Stdout, Stderr string
}

// Sleeper is a Host that keeps its own time: time.sleep and time.left go through
// it. Those that stand in for the network in tests move their clock.
type Sleeper interface {
	Sleep(ctx context.Context, d time.Duration) error
	// Left is what remains of the run under way; ok is false when it has no end.
	Left() (left time.Duration, ok bool)
}
