package host

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Call is one call of a Host, as a trace shows it.
type Call struct {
	Kind    string        `json:"kind"`    // http tcp icmp smtp dns certificate exec sleep
	Target  string        `json:"target"`  // URL, host and port, name or path
	Request string        `json:"request"` // what was asked, in one or more lines
	Answer  string        `json:"answer"`  // what came back, likewise; "" when it failed
	Error   string        `json:"error"`   // "" when it did not
	ErrKind Kind          `json:"error_kind"`
	Start   time.Time     `json:"start"`
	Took    time.Duration `json:"took"` // nanoseconds
	// Asked and Got are the values themselves, by which a recording can be
	// replayed: *HTTPRequest and *HTTPResponse and so on; of a stream, the text
	// sent or received. They hold secrets, are not masked, and must not be shown.
	Asked any `json:"-"`
	Got   any `json:"-"`

	escaped bool // line ends and the like are written out when it is shown
}

// Trace is a Host that passes everything on to another and records each call.
// It is safe for concurrent use; calls appear in the order in which they began.
type Trace struct {
	host  Host
	mu    sync.Mutex // guards what follows
	calls []*Call
	more  int
}

var (
	_ Host    = (*Trace)(nil)
	_ Sleeper = (*Trace)(nil)
)

// The bounds of a trace: further calls are only counted, longer texts are cut.
const (
	maxCalls     = 1000
	maxTraceText = 4 << 10 // bytes of a request or answer that are shown
)

// NewTrace returns a Trace of host.
func NewTrace(host Host) *Trace { return &Trace{host: host} }

// Calls returns what was recorded so far. more is how many further calls there
// were. A call that has not ended yet has neither Answer nor Error.
func (t *Trace) Calls() (calls []Call, more int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	calls = make([]Call, len(t.calls))
	for i, c := range t.calls {
		calls[i] = *c
		show := readable
		if c.escaped {
			show = quoted
		}
		calls[i].Request, calls[i].Answer = show(c.Request), show(c.Answer)
		calls[i].Request, calls[i].Answer = beginning(calls[i].Request), beginning(calls[i].Answer)
	}
	return calls, t.more
}

// beginning is what is shown of a text in which secrets are masked.
func beginning(text string) string {
	if len(text) <= maxTraceText {
		return text
	}
	return strings.ToValidUTF8(text[:maxTraceText], "") + "…"
}

// Mask rewrites all texts that were recorded so far, so that no secret is shown.
// They are whole until Calls cuts and escapes them, and so are the secrets in them.
func (t *Trace) Mask(mask func(string) string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.calls {
		c.Target, c.Request, c.Answer, c.Error = mask(c.Target), mask(c.Request), mask(c.Answer), mask(c.Error)
	}
}

// begin records that a call has begun. What it returns is never nil.
func (t *Trace) begin(kind, target, request string, asked any) *Call {
	c := &Call{Kind: kind, Target: target, Request: request, Start: time.Now(), Asked: asked}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.calls) >= maxCalls {
		t.more++
		return c
	}
	t.calls = append(t.calls, c)
	return c
}

// end records how a call ended. answer is called when it did not fail.
func (t *Trace) end(c *Call, err error, got any, answer func() string) {
	text := ""
	if err == nil {
		text = answer()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	c.Took = time.Since(c.Start)
	if err != nil {
		c.Error, c.ErrKind = err.Error(), KindOf(err)
		return
	}
	c.Answer, c.Got = text, got
}

// HTTP records a request with its headers and body.
func (t *Trace) HTTP(ctx context.Context, req *HTTPRequest) (*HTTPResponse, error) {
	method := req.Method
	if method == "" {
		method = "GET"
	}
	text := method + " " + req.URL + "\n" + headerText(sentHeader(req))
	if req.Auth != nil {
		text += "Authorization: ***\n"
	}
	asked := *req
	c := t.begin("http", method+" "+req.URL, withBody(text, req.Body), &asked)
	resp, err := t.host.HTTP(ctx, req)
	t.end(c, err, resp, func() string {
		return withBody(fmt.Sprintf("%d, %d bytes\n", resp.Status, len(resp.Body))+headerText(resp.Header), resp.Body)
	})
	return resp, err
}

// sentHeader is the header of a request with the cookies that the session adds.
func sentHeader(req *HTTPRequest) map[string][]string {
	u, err := url.Parse(req.URL)
	if req.Jar == nil || err != nil {
		return req.Header
	}
	header := http.Header{}
	for name, values := range req.Header {
		header[http.CanonicalHeaderKey(name)] = values
	}
	addCookies(header, req.Jar.Cookies(u))
	return header
}

// withBody joins a head and a body.
func withBody(head, body string) string {
	if body == "" {
		return strings.TrimSuffix(head, "\n")
	}
	return head + "\n" + body
}

// Ping records a ping.
func (t *Trace) Ping(ctx context.Context, req *PingRequest) (*PingAnswer, error) {
	asked := *req
	c := t.begin("icmp", req.Host, "", &asked)
	answer, err := t.host.Ping(ctx, req)
	t.end(c, err, answer, func() string {
		return fmt.Sprintf("%d of %d received, %s on average", answer.Received, answer.Sent, answer.Avg.Round(time.Microsecond))
	})
	return answer, err
}

// Mail records a message, without the login.
func (t *Trace) Mail(ctx context.Context, mail *Mail) ([]string, error) {
	head := fmt.Sprintf("From: %s\nTo: %s\n", mail.From, strings.Join(mail.To, ", "))
	if len(mail.Cc) > 0 {
		head += "Cc: " + strings.Join(mail.Cc, ", ") + "\n"
	}
	head += "Subject: " + mail.Subject + "\n"
	for _, h := range mail.Headers {
		head += h.Name + ": " + h.Value + "\n"
	}
	body := mail.Text
	if body == "" {
		body = mail.HTML
	}
	asked := *mail
	c := t.begin("smtp", hostPort(mail.Host, mail.port()), withBody(head, body), &asked)
	refused, err := t.host.Mail(ctx, mail)
	t.end(c, err, refused, func() string {
		if len(refused) > 0 {
			return "taken, but refused for " + strings.Join(refused, ", ")
		}
		return "taken"
	})
	return refused, err
}

// Lookup records a question to the DNS.
func (t *Trace) Lookup(ctx context.Context, req *LookupRequest) ([]Record, error) {
	asked := *req
	request := ""
	if req.Server != "" {
		request = "asked of " + req.Server
	}
	c := t.begin("dns", req.Name+" "+req.Type, request, &asked)
	records, err := t.host.Lookup(ctx, req)
	t.end(c, err, records, func() string {
		lines := make([]string, len(records))
		for i, r := range records {
			lines[i] = fmt.Sprintf("%s %s (%d s)", r.Type, r.Value, r.TTL)
		}
		if len(lines) == 0 {
			return "no record"
		}
		return strings.Join(lines, "\n")
	})
	return records, err
}

// Certificate records a look at a server's certificate.
func (t *Trace) Certificate(ctx context.Context, req *CertificateRequest) (*Certificate, error) {
	asked := *req
	c := t.begin("certificate", hostPort(req.Host, req.Port), req.StartTLS, &asked)
	cert, err := t.host.Certificate(ctx, req)
	t.end(c, err, cert, func() string {
		text := fmt.Sprintf("%s, by %s, until %s", cert.Subject, cert.Issuer, cert.NotAfter.UTC().Format(time.RFC3339))
		if !cert.Verified {
			text += ", not trusted: " + cert.VerifyError
		}
		return text
	})
	return cert, err
}

// Exec records the run of a program, without its environment.
func (t *Trace) Exec(ctx context.Context, req *ExecRequest) (*ExecAnswer, error) {
	asked := *req
	c := t.begin("exec", req.Path, withBody(strings.Join(append([]string{req.Path}, req.Args...), " ")+"\n", req.Stdin), &asked)
	answer, err := t.host.Exec(ctx, req)
	t.end(c, err, answer, func() string {
		head := fmt.Sprintf("exit code %d\n", answer.Code)
		if answer.Signal != "" {
			head = "ended by " + answer.Signal + "\n"
		}
		return withBody(head, strings.TrimRight(answer.Stdout+answer.Stderr, "\n"))
	})
	return answer, err
}

// Sleep records a sleep, in the other host's time if it keeps its own.
func (t *Trace) Sleep(ctx context.Context, d time.Duration) error {
	c := t.begin("sleep", d.String(), "", d)
	var err error
	if s, ok := t.host.(Sleeper); ok {
		err = s.Sleep(ctx, d)
	} else {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			err = &Error{Timeout, "timed out"}
		}
	}
	t.end(c, err, nil, func() string { return "" })
	return err
}

// Left is what the other host says.
func (t *Trace) Left() (time.Duration, bool) {
	if s, ok := t.host.(Sleeper); ok {
		return s.Left()
	}
	return 0, false
}
