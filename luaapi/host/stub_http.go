package host

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// OnHTTP prepares an answer to requests of a method ("" is GET) and URL. URLs
// that differ only in the order of their query, in a default port or in a
// fragment are the same.
func (s *Stub) OnHTTP(method, address string, answer *HTTPResponse, err *Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.http.put(httpKey(method, address), answer, err)
}

// Requests returns the HTTP requests that were made, those that redirects and
// cookies led to among them, in order, with all their headers.
func (s *Stub) Requests() []HTTPRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// httpKey names what a request asks for.
func httpKey(method, address string) string {
	if method == "" {
		method = http.MethodGet
	}
	return strings.ToUpper(method) + " " + plainURL(address)
}

// plainURL is a URL without what makes no difference.
func plainURL(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return address
	}
	if host, err := asciiHostPort(u); err == nil {
		u.Host = host
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	if u.Scheme == "http" {
		u.Host = strings.TrimSuffix(u.Host, ":80")
	} else if u.Scheme == "https" {
		u.Host = strings.TrimSuffix(u.Host, ":443")
	}
	if u.Path == "" {
		u.Path = "/"
	}
	if values, err := url.ParseQuery(u.RawQuery); err == nil {
		u.RawQuery = values.Encode()
	}
	u.User, u.Fragment, u.RawFragment, u.ForceQuery = nil, "", "", false
	return u.String()
}

// HTTP answers as prepared. Redirects are followed as the network's are.
func (s *Stub) HTTP(ctx context.Context, req *HTTPRequest) (*HTTPResponse, error) {
	h, err := newHop(req)
	if err != nil {
		return nil, err
	}
	h.method = strings.ToUpper(h.method)
	return h.chain(req.Redirects, func() (*HTTPResponse, *url.URL, error) {
		resp, err := s.exchange(ctx, req, h)
		if err != nil {
			return nil, nil, err
		}
		return resp, location(h.url, &http.Response{StatusCode: resp.Status, Header: resp.Header}), nil
	})
}

// exchange records one request and answers it.
func (s *Stub) exchange(ctx context.Context, req *HTTPRequest, h *hop) (*HTTPResponse, error) {
	if err := ctx.Err(); err != nil {
		return nil, &Error{Timeout, "timed out waiting for " + h.target()}
	}
	sent, err := h.request()
	if err != nil {
		return nil, err
	}
	record := *req
	record.Method, record.Header, record.Body = h.method, sent.Header.Clone(), h.body
	if record.URL = h.text; h.text == "" {
		record.URL = h.url.String()
	}
	record.Jar = nil
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, record)
	key := httpKey(h.method, record.URL)
	prepared, err, ok := s.http.take(key)
	if !ok {
		return nil, s.refuse(h.method+" "+record.URL, s.http.keys())
	}
	if err != nil {
		return nil, err
	}
	resp := *prepared
	resp.Header = prepared.Header.Clone()
	if resp.URL == "" {
		resp.URL = record.URL
	}
	switch {
	case h.method == http.MethodHead || h.maxBody < 0:
		resp.Body, resp.Truncated = "", false
	case int64(len(resp.Body)) > h.maxBody:
		resp.Body, resp.Truncated = resp.Body[:h.maxBody], true
	}
	return &resp, nil
}
