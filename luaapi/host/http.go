package host

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/publicsuffix"
)

// HTTP makes a request and follows its redirects, each within the address policy.
func (n *Net) HTTP(ctx context.Context, req *HTTPRequest) (*HTTPResponse, error) {
	started := time.Now()
	h, err := newHop(req)
	if err != nil {
		return nil, err
	}
	n.addDefaults(h)
	resp, err := h.chain(req.Redirects, func() (*HTTPResponse, *url.URL, error) { return n.hop(ctx, h) })
	if err != nil {
		return nil, err
	}
	resp.Timings.Total = time.Since(started)
	return resp, nil
}

// hop is one request of a chain of redirects.
type hop struct {
	owner       string
	method      string
	url         *url.URL
	text        string // the URL as given, "" after a redirect
	header      http.Header
	shared      bool // header is that of other requests, too: see own
	body        string
	maxBody     int64
	bodyTimeout time.Duration
	rawBody     bool
	redirects   bool
	keepMethod  bool
	tls         TLSOptions
	connectTo   string
	jar         http.CookieJar
	expiry      Expiry   // the first of those of the hops so far
	cookies     []string // names of those that were set on the way
	cookieBytes int      // of all that were set
	received    *atomic.Int64
}

// newHop checks a request and makes its first hop.
func newHop(req *HTTPRequest) (*hop, error) {
	u, err := parseURL(req.URL)
	if err != nil {
		return nil, err
	}
	if err := checkURL(u); err != nil {
		return nil, err
	}
	h := &hop{
		owner: req.Owner, method: req.Method, url: u, text: req.URL, body: req.Body,
		maxBody: req.MaxBody, bodyTimeout: req.BodyTimeout, rawBody: req.RawBody,
		redirects: req.Redirects != 0, keepMethod: req.KeepMethod,
		tls: req.TLS, connectTo: req.ConnectTo, jar: req.Jar, received: req.Received,
	}
	if h.method == "" {
		h.method = http.MethodGet
	}
	if err := checkMethod(h.method, h.body); err != nil {
		return nil, err
	}
	if err := h.tls.check(); err != nil {
		return nil, err
	}
	if err := h.checkConnectTo(); err != nil {
		return nil, err
	}
	if h.maxBody == 0 {
		h.maxBody = DefaultMaxBody
	}
	if len(req.Header) > 0 {
		h.header = make(http.Header, len(req.Header)+3)
	}
	for name, values := range req.Header {
		h.header[name] = values
	}
	h.authorize(req.Auth)
	return h, nil
}

// checkMethod refuses methods that are no requests for a resource: CONNECT asks
// for a tunnel, whose bytes are framed by nobody; PRI begins HTTP/2. What TRACE
// sends comes back, and it has no body.
func checkMethod(method, body string) error {
	switch strings.ToUpper(method) {
	case http.MethodConnect, "PRI":
		return &Error{Invalid, "the method " + strings.ToUpper(method) + " cannot be sent"}
	case http.MethodTrace:
		if body != "" {
			return &Error{Invalid, "a TRACE request has no body"}
		}
	}
	return nil
}

// maxConnectTo is longer than any host and port.
const maxConnectTo = 300

func (h *hop) checkConnectTo() error {
	if h.connectTo == "" {
		return nil
	}
	if len(h.connectTo) > maxConnectTo {
		return &Error{Invalid, "connect_to is longer than " + strconv.Itoa(maxConnectTo) + " bytes"}
	}
	name, port, err := splitHostPort(h.connectTo)
	if err != nil {
		return &Error{Invalid, "connect_to is " + err.Error()}
	}
	if name, err = asciiName(name); err != nil {
		return err
	}
	h.connectTo = hostPort(name, port)
	return nil
}

// authorize adds the login, that of the URL if no other is given.
func (h *hop) authorize(auth *BasicAuth) {
	if h.url.User != nil {
		if auth == nil {
			password, _ := h.url.User.Password()
			auth = &BasicAuth{h.url.User.Username(), password}
		}
		h.url.User, h.text = nil, ""
	}
	if auth != nil {
		h.own()
		r := http.Request{Header: h.header}
		r.SetBasicAuth(auth.User, auth.Password)
	}
}

// own has the hop write to a header of its own.
func (h *hop) own() {
	if h.header == nil {
		h.header = make(http.Header, 3)
	} else if h.shared {
		h.header = h.header.Clone()
	}
	h.shared = false
}

// addDefaults adds what every request has. One that has nothing else shares it.
func (n *Net) addDefaults(h *hop) {
	if len(h.header) == 0 {
		h.header, h.shared = n.defaults, true
		return
	}
	if _, ok := h.header["User-Agent"]; !ok {
		h.header["User-Agent"] = n.userAgent
	}
	if _, ok := h.header["Accept-Encoding"]; !ok {
		h.header["Accept-Encoding"] = n.encodings
	}
}

// chain sends requests until an answer redirects no further.
func (h *hop) chain(redirects int, send func() (*HTTPResponse, *url.URL, error)) (*HTTPResponse, error) {
	for followed := 0; ; followed++ {
		resp, next, err := send()
		if err != nil {
			return nil, err
		}
		h.note(resp)
		if next == nil || redirects == 0 {
			if !h.expiry.At.IsZero() {
				resp.Expiry = &h.expiry
			}
			return resp, nil
		}
		if followed == redirects {
			return nil, h.tooManyRedirects(followed)
		}
		if err := h.follow(resp.Status, next); err != nil {
			return nil, err
		}
	}
}

// note keeps what the answer of a hop says for those after it: its cookies, and
// when its certificates end.
func (h *hop) note(resp *HTTPResponse) {
	if cookies := (&http.Response{Header: resp.Header}).Cookies(); len(cookies) > 0 {
		if h.jar == nil && h.redirects {
			h.jar, _ = cookiejar.New(&cookiejar.Options{PublicSuffixList: publicsuffix.List}) // cannot fail
		}
		for _, line := range resp.Header["Set-Cookie"] {
			h.cookieBytes += len(line)
		}
		if h.jar != nil && h.cookieBytes <= maxHeaderBytes { // more would not fit the header of a request, either
			h.jar.SetCookies(h.url, cookies)
		}
		for _, cookie := range cookies {
			if len(h.cookies) < 5 && len(cookie.Name) <= 100 && !slices.Contains(h.cookies, cookie.Name) {
				h.cookies = append(h.cookies, cookie.Name)
			}
		}
	}
	if resp.TLS == nil {
		return
	}
	expiry := resp.TLS.Expiry
	if expiry.At.IsZero() {
		expiry = Expiry{At: resp.TLS.NotAfter, Subject: resp.TLS.Subject}
	}
	if expiry.At.IsZero() || !h.expiry.At.IsZero() && !expiry.At.Before(h.expiry.At) {
		return
	}
	expiry.Host = h.url.Hostname()
	h.expiry = expiry
}

func (h *hop) tooManyRedirects(followed int) error {
	text := "too many redirects: stopped after " + strconv.Itoa(followed)
	if len(h.cookies) > 0 {
		text += "; on the way the cookies " + strings.Join(h.cookies, ", ") + " were set and sent back"
	}
	return &Error{Protocol, text}
}

// hop sends one request. next is where the answer redirects to, or nil.
func (n *Net) hop(ctx context.Context, h *hop) (resp *HTTPResponse, next *url.URL, err error) {
	sent := followWriting(ctx)
	r, err := h.request()
	if err != nil {
		return nil, nil, err
	}
	target := h.target()
	started := time.Now()
	if err := n.place(ctx, target); err != nil {
		return nil, nil, err
	}
	defer n.limit.release(target)
	c, got, err := n.send(ctx, h, r, target, sent)
	if err != nil {
		sent.lost()
		return nil, nil, err
	}
	defer n.pool.put(c)
	resp = &HTTPResponse{
		Status: got.StatusCode, Header: got.Header, URL: h.text, TLS: c.tls,
		Timings: Timings{DNS: c.times.dns, Connect: c.times.connect, TLS: c.times.tls, FirstByte: time.Since(started)},
	}
	c.times = dialTimes{} // whoever has the connection next did not wait for it
	if resp.URL == "" {
		resp.URL = h.url.String()
	}
	next = location(h.url, got)
	if err := n.readBody(h, c, got, resp, next != nil && h.redirects); err != nil {
		sent.lost()
		return nil, nil, inBody(explain(ctx, err, target), got.StatusCode)
	}
	return resp, next, nil
}

// inBody says of what went wrong with a body which status came before it.
func inBody(e *Error, status int) *Error {
	return &Error{e.Kind, e.Message + ", in the body of an answer with status " + strconv.Itoa(status)}
}

// send sends a request on a connection that was kept or on a new one. When a
// kept connection breaks before a byte of the answer came, as one does that the
// server was just closing, it sends once more on a new one. On a new connection
// nothing is sent twice.
func (n *Net) send(ctx context.Context, h *hop, r *http.Request, target string, sent *writing) (*httpConn, *http.Response, error) {
	key := keyOf(h.owner, h.url.Scheme, h.url.Host, h.connectTo, &h.tls)
	if c := n.pool.take(&key, target); c != nil {
		before := c.wire.got
		got, err := c.begin(ctx, r, sent)
		if err == nil {
			return c, got, nil
		}
		c.end()
		if ctx.Err() != nil || c.wire.got != before {
			return nil, nil, explain(ctx, err, target)
		}
		if r, err = h.request(); err != nil {
			return nil, nil, err
		}
	}
	n.pool.makeRoom(target)
	c, err := n.openHTTP(ctx, h, key, target)
	if err != nil {
		return nil, nil, err
	}
	got, err := c.begin(ctx, r, sent)
	if err != nil {
		c.end()
		return nil, nil, explain(ctx, err, target)
	}
	return c, got, nil
}

// request builds what is sent.
func (h *hop) request() (*http.Request, error) {
	if !httpguts.ValidHeaderFieldName(h.method) { // both are tokens: RFC 9110, 5.6.2 and 9.1
		return nil, &Error{Invalid, "not an HTTP method: " + given(h.method)}
	}
	r := &http.Request{Method: h.method, URL: h.url, Header: h.header, Host: h.url.Host}
	if host := h.header["Host"]; len(host) > 0 {
		r.Host = host[0]
	}
	if h.body != "" {
		setBody(r, h.body)
	}
	if h.jar != nil {
		if r.Header = h.header.Clone(); r.Header == nil {
			r.Header = make(http.Header, 1)
		}
		addCookies(r.Header, h.jar.Cookies(h.url))
	}
	return r, checkHeader(r.Header)
}

// addCookies is Request.AddCookie for many: that copies all before for each.
func addCookies(header http.Header, cookies []*http.Cookie) {
	if len(cookies) == 0 {
		return
	}
	var all []string
	if before := header.Get("Cookie"); before != "" {
		all = append(all, before)
	}
	one := http.Request{Header: make(http.Header, 1)}
	for _, c := range cookies {
		one.AddCookie(c)
		all = append(all, one.Header.Get("Cookie"))
		one.Header.Del("Cookie")
	}
	header.Set("Cookie", strings.Join(all, "; "))
}

// target is whom to connect to, as host:port.
func (h *hop) target() string {
	if h.connectTo != "" {
		return h.connectTo
	}
	port := h.url.Port()
	if port == "" {
		port = "80"
		if h.url.Scheme == "https" {
			port = "443"
		}
	}
	return net.JoinHostPort(h.url.Hostname(), port)
}

// parseURL reads a URL and names what is wrong with it.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err == nil && strings.ContainsAny(u.RawQuery, " \t") {
		err = errors.New("invalid character \" \"")
	}
	if err == nil {
		u.Host, err = asciiHostPort(u)
		return u, err
	}
	var escape url.EscapeError
	why := ""
	switch {
	case errors.As(err, &escape):
		why = " (a % must be followed by two hexadecimal digits; itself it is written %25)"
	case strings.ContainsAny(text, " \t"):
		why = " (it holds a space, which is written %20)"
	case strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f }):
		why = " (it holds a line break or another control character)"
	case strings.Contains(err.Error(), "invalid port"):
		why = " (the port is no number)"
	}
	return nil, &Error{Invalid, "not a URL: " + given(text) + why}
}

// asciiHostPort returns the host of a URL in ASCII, with its port as it is.
func asciiHostPort(u *url.URL) (string, error) {
	if isASCII(u.Host) {
		return u.Host, nil
	}
	name, err := asciiName(u.Hostname())
	if err == nil && u.Port() != "" {
		name = net.JoinHostPort(name, u.Port())
	}
	return name, err
}

func checkURL(u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" {
		return &Error{Invalid, "URL must begin with http:// or https://"}
	}
	if u.Hostname() == "" {
		return &Error{Invalid, "URL has no host"}
	}
	return nil
}

// location returns where an answer redirects to, or nil.
func location(base *url.URL, resp *http.Response) *url.URL {
	switch resp.StatusCode {
	case 301, 302, 303, 307, 308:
	default:
		return nil
	}
	text := resp.Header.Get("Location")
	if text == "" {
		return nil
	}
	next, err := base.Parse(text)
	if err != nil {
		return nil
	}
	if next.Host, err = asciiHostPort(next); err != nil {
		return nil
	}
	if next.Fragment == "" {
		next.Fragment = base.Fragment
	}
	return next
}

// follow makes h the request that a redirect asks for.
func (h *hop) follow(status int, next *url.URL) error {
	if next.Scheme != "http" && next.Scheme != "https" || next.Hostname() == "" {
		return &Error{Protocol, "redirected to an address that is not http: " + cut(next.Redacted(), maxQuoted)}
	}
	keeps := status == 307 || status == 308 || h.keepMethod && status != 303
	if !keeps && h.method != http.MethodHead && h.method != http.MethodGet {
		h.method, h.body = http.MethodGet, ""
		h.own()
		h.header.Del("Content-Type")
	}
	if next.Host != h.url.Host || next.Scheme != h.url.Scheme {
		h.leave(next)
	}
	next.User = nil
	h.url, h.text = next, ""
	return nil
}

// leave drops what was meant for the first host alone. Going from http to
// https on the same name keeps credentials, as browsers do.
func (h *hop) leave(next *url.URL) {
	h.connectTo = ""
	h.own()
	h.header.Del("Host")
	if next.Hostname() == h.url.Hostname() && h.url.Scheme == "http" && next.Scheme == "https" {
		return
	}
	h.tls.ClientCert, h.tls.ClientKey = "", ""
	h.tls.ServerName = ""
	for name := range h.header {
		if isCredential(name) {
			delete(h.header, name)
		}
	}
}

// isCredential reports whether a header is likely to hold a secret.
func isCredential(name string) bool {
	name = strings.ToLower(name)
	for _, part := range []string{"auth", "cookie", "token", "key", "secret", "password", "session", "signature", "credential"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}
