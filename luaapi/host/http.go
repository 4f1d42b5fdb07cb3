package host

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// HTTP makes a request and follows its redirects, each within the address policy.
func (n *Net) HTTP(ctx context.Context, req *HTTPRequest) (*HTTPResponse, error) {
	started := time.Now()
	h, err := n.firstHop(req)
	if err != nil {
		return nil, err
	}
	for followed := 0; ; followed++ {
		resp, next, err := n.hop(ctx, h)
		if err != nil {
			return nil, err
		}
		if next == nil || req.Redirects == 0 {
			resp.Timings.Total = time.Since(started)
			return resp, nil
		}
		if followed == req.Redirects {
			return nil, &Error{Protocol, "too many redirects: stopped after " + strconv.Itoa(followed)}
		}
		if err := h.follow(resp.Status, next); err != nil {
			return nil, err
		}
	}
}

// hop is one request of a chain of redirects.
type hop struct {
	method    string
	url       *url.URL
	text      string // the URL as given, "" after a redirect
	header    http.Header
	body      string
	maxBody   int64
	redirects bool
	key       transportKey
	jar       http.CookieJar
}

// firstHop checks a request and makes its headers.
func (n *Net) firstHop(req *HTTPRequest) (*hop, error) {
	u, err := url.Parse(req.URL)
	if err != nil {
		return nil, &Error{Invalid, "not a URL: " + strconv.Quote(cut(req.URL, 100))}
	}
	if err := checkURL(u); err != nil {
		return nil, err
	}
	if req.ConnectTo != "" {
		if _, _, err := splitHostPort(req.ConnectTo); err != nil {
			return nil, &Error{Invalid, "connect_to is " + err.Error()}
		}
	}
	h := &hop{
		method: req.Method, url: u, text: req.URL, body: req.Body, maxBody: req.MaxBody, jar: req.Jar,
		redirects: req.Redirects != 0,
		key:       transportKey{tls: req.TLS, connectTo: req.ConnectTo},
		header:    make(http.Header, len(req.Header)+3),
	}
	if h.method == "" {
		h.method = http.MethodGet
	}
	if h.maxBody <= 0 {
		h.maxBody = DefaultMaxBody
	}
	for name, values := range req.Header {
		h.header[name] = values
	}
	n.addDefaults(h, req.Auth)
	return h, nil
}

func (n *Net) addDefaults(h *hop, auth *BasicAuth) {
	if _, ok := h.header["User-Agent"]; !ok {
		h.header["User-Agent"] = n.userAgent
	}
	if _, ok := h.header["Accept-Encoding"]; !ok {
		h.header["Accept-Encoding"] = n.encodings
	}
	if h.url.User != nil {
		if auth == nil {
			password, _ := h.url.User.Password()
			auth = &BasicAuth{h.url.User.Username(), password}
		}
		h.url.User, h.text = nil, ""
	}
	if auth != nil {
		r := http.Request{Header: h.header}
		r.SetBasicAuth(auth.User, auth.Password)
	}
}

func checkURL(u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" {
		return &Error{Invalid, "URL must begin with http:// or https://, got " + strconv.Quote(cut(u.Redacted(), 100))}
	}
	if u.Hostname() == "" {
		return &Error{Invalid, "URL has no host: " + strconv.Quote(cut(u.Redacted(), 100))}
	}
	return nil
}

// hop sends one request. next is where the answer redirects to, or nil.
func (n *Net) hop(ctx context.Context, h *hop) (resp *HTTPResponse, next *url.URL, err error) {
	t, err := n.transports.get(h.key)
	if err != nil {
		return nil, nil, err
	}
	e := &exchange{Context: ctx}
	sending, sent := followWriting(e)
	r, err := h.request(sending)
	if err != nil {
		return nil, nil, err
	}
	n.crowd.enter(h.url.Host)
	defer n.crowd.leave(h.url.Host)
	started := time.Now()
	got, err := t.http.RoundTrip(r)
	if err != nil {
		sent.lost()
		return nil, nil, explain(ctx, err, h.target())
	}
	firstByte := time.Since(started)
	defer got.Body.Close()
	if h.jar != nil {
		if cookies := got.Cookies(); len(cookies) > 0 {
			h.jar.SetCookies(h.url, cookies)
		}
	}
	next = location(h.url, got)
	maxBody := h.maxBody
	if next != nil && h.redirects {
		maxBody = 4 << 10 // of no use but to keep the connection
	}
	body, truncated, err := n.readBody(h.method, got, maxBody)
	if err != nil {
		sent.lost()
		return nil, nil, explain(ctx, err, h.target())
	}
	times := e.dialTimes()
	resp = &HTTPResponse{
		Status: got.StatusCode, Header: got.Header, Body: body, Truncated: truncated, URL: h.text,
		Timings: Timings{DNS: times.dns, Connect: times.connect, TLS: times.tls, FirstByte: firstByte},
	}
	if resp.URL == "" {
		resp.URL = h.url.String()
	}
	if got.TLS != nil {
		resp.TLS = t.describe(got.TLS)
	}
	return resp, next, nil
}

// request builds what the transport sends.
func (h *hop) request(ctx context.Context) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, h.method, "", nil)
	if err != nil {
		return nil, &Error{Invalid, "not an HTTP method: " + strconv.Quote(cut(h.method, 20))}
	}
	r.URL, r.Header = h.url, h.header
	r.Host = h.url.Host
	if host := h.header["Host"]; len(host) > 0 {
		r.Host = host[0]
	}
	if h.body != "" {
		setBody(r, h.body)
	}
	if h.jar != nil {
		r.Header = h.header.Clone()
		for _, cookie := range h.jar.Cookies(h.url) {
			r.AddCookie(cookie)
		}
	}
	return r, checkHeader(r.Header)
}

// target names the other side in messages.
func (h *hop) target() string {
	if h.key.connectTo != "" {
		return h.key.connectTo
	}
	if h.url.Port() == "" && h.url.Scheme == "https" {
		return h.url.Hostname() + ":443"
	}
	if h.url.Port() == "" {
		return h.url.Hostname() + ":80"
	}
	return h.url.Host
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
	if next.Fragment == "" {
		next.Fragment = base.Fragment
	}
	return next
}

// follow makes h the request that a redirect asks for.
func (h *hop) follow(status int, next *url.URL) error {
	if next.Scheme != "http" && next.Scheme != "https" || next.Hostname() == "" {
		return &Error{Protocol, "redirected to an address that is not http: " + strconv.Quote(cut(next.Redacted(), 100))}
	}
	if status != 307 && status != 308 && h.method != http.MethodHead && h.method != http.MethodGet {
		h.method, h.body = http.MethodGet, ""
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
	h.key.connectTo = ""
	h.header.Del("Host")
	if next.Hostname() == h.url.Hostname() && h.url.Scheme == "http" && next.Scheme == "https" {
		return
	}
	h.key.tls.ClientCert, h.key.tls.ClientKey = "", ""
	h.key.tls.ServerName = ""
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
