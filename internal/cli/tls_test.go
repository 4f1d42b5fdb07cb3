package cli

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"moonwatch/internal/programtest"
)

// caller is a plugin whose view says how a request reached the monitor.
const caller = `return { name = "Caller", slug = "caller", version = "1", run = function() end,
  urls = { { path = "who", public = true, view = function(self, request) return { json = { url = request.url, address = request.address } } end } } }`

// certificate writes a self-signed certificate for 127.0.0.1 and its key into
// the monitor's directory, and returns their paths and a pool that trusts it.
func certificate(m *programtest.Program, name string) (cert, key string, pool *x509.CertPool) {
	m.T.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		m.T.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "moonwatch"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		m.T.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		m.T.Fatal(err)
	}
	pool = x509.NewCertPool()
	for file, block := range map[*string]*pem.Block{&cert: {Type: "CERTIFICATE", Bytes: der}, &key: {Type: "PRIVATE KEY", Bytes: secret}} {
		*file = filepath.Join(m.Dir, name+"."+strings.ToLower(strings.Fields(block.Type)[0]))
		text := pem.EncodeToMemory(block)
		if err := os.WriteFile(*file, text, 0o600); err != nil {
			m.T.Fatal(err)
		}
		pool.AppendCertsFromPEM(text)
	}
	return cert, key, pool
}

// answered is what an address answered.
type answered struct {
	status int
	text   string
	header http.Header
	proto  string
}

// sent sends a request with a JSON body (nil: none) through client.
func sent(t *testing.T, client *http.Client, method, address string, body any, headers ...string) answered {
	t.Helper()
	payload := []byte(nil)
	if body != nil {
		payload, _ = json.Marshal(body)
	}
	r, err := http.NewRequest(method, address, bytes.NewReader(payload))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	a, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	data, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answered{a.StatusCode, string(data), a.Header, a.Proto}
}

// stays is a client that follows no redirects.
func stays(transport http.RoundTripper) *http.Client {
	return &http.Client{Timeout: 20 * time.Second, Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// TestTLS serves with a certificate: pages, API, cookies, links, and the monitor's
// check of itself.
func TestTLS(t *testing.T) {
	t.Parallel()
	m := programtest.New(t)
	cert, key, pool := certificate(m, "good")
	otherCert, otherKey, _ := certificate(m, "other")
	serve := []string{"serve", "--listen", m.Address, "--data", m.Data, "--plugins", m.Plugins}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--tls-cert", cert}, "--tls-cert and --tls-key belong together"},
		{[]string{"--tls-key", key}, "--tls-cert and --tls-key belong together"},
		{[]string{"--tls-cert", filepath.Join(m.Dir, "nosuch"), "--tls-key", key}, "nosuch"},
		{[]string{"--tls-cert", otherCert, "--tls-key", key}, "private key does not match"},
		{[]string{"--tls-cert", otherKey, "--tls-key", otherKey}, "certificate"},
	} {
		if p := m.Command("", append(serve, c.args...)...); p.Code != 1 || !strings.Contains(p.Err, c.want) || strings.Contains(p.Err, "panic") {
			t.Errorf("%v: exit %d %s", c.args, p.Code, p.Err)
		}
	}
	m.Save("caller.lua", caller)
	m.Env = []string{"MOONWATCH_TLS_CERT=" + cert, "MOONWATCH_TLS_KEY=" + key}
	m.Launch()
	site := "https://" + m.Address
	programtest.Until(t, "the set-up link", 15*time.Second, func() bool { return strings.Contains(m.Output.String(), site+"/setup?token=") })
	client := stays(&http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true})
	programtest.Until(t, "ready", 15*time.Second, func() bool { return sent(t, client, "GET", site+"/readyz", nil).status == 200 })

	m.MustCommand("a long enough password\n", "user", "add", "ada", "--role", "admin", "--password-stdin", "--data", m.Data) // by the socket, without TLS
	login := sent(t, client, "POST", site+"/api/v1/session", programtest.Object{"username": "ada", "password": "a long enough password"})
	cookie := login.header.Get("Set-Cookie")
	if login.status != 200 || !strings.Contains(cookie, "; Secure") || !strings.Contains(cookie, "; HttpOnly") || login.proto != "HTTP/2.0" {
		t.Errorf("login: %d %s over %s, cookie %q", login.status, login.text, login.proto, cookie)
	}
	pair, _, _ := strings.Cut(cookie, ";")
	if page := sent(t, client, "GET", site+"/", nil, "Cookie", pair); page.status != 200 || !strings.Contains(page.text, "<html") {
		t.Errorf("the dashboard: %d", page.status)
	}
	if a := sent(t, client, "DELETE", site+"/api/v1/session", nil, "Cookie", pair); a.status != 204 || !strings.Contains(a.header.Get("Set-Cookie"), "; Secure") {
		t.Errorf("logout: %d, cookie %q", a.status, a.header.Get("Set-Cookie"))
	}
	if who := sent(t, client, "GET", site+"/plugins/caller/who?x=1", nil); who.text != `{"address":"127.0.0.1","url":"`+site+`/plugins/caller/who?x=1"}` {
		t.Errorf("a view sees %s", who.text)
	}
	token := programtest.LastLine(m.MustCommand("", "token", "create", "--user", "ada", "--data", m.Data).Out)
	programtest.Until(t, "the check of itself passes", 10*time.Second, func() bool {
		text := sent(t, client, "GET", site+"/api/v1/services", nil, "Authorization", "Bearer "+token).text
		return strings.Contains(text, `"url":"`+site+`"`) && strings.Contains(text, `"overall_status":"PASSING"`)
	})
	// What is not TLS, or an old one, gets nowhere.
	if a := sent(t, stays(nil), "GET", "http://"+m.Address+"/healthz", nil); a.status != 400 {
		t.Errorf("plain HTTP answers %d %s", a.status, a.text)
	}
	old := stays(&http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}})
	if a, err := old.Get(site + "/healthz"); err == nil {
		a.Body.Close()
		t.Error("TLS 1.1 is accepted")
	}
}

// TestTrustedProxies puts a proxy that ends TLS in front of the monitor: what it
// says of its clients counts once it is trusted, and not before.
func TestTrustedProxies(t *testing.T) {
	t.Parallel()
	m := programtest.New(t)
	m.Save("caller.lua", caller)
	m.Admin()
	m.Start()
	m.AwaitPlugin("caller", "1")
	m.API("POST", "/users", programtest.Object{"username": "ada", "password": "a long enough password"}, nil)
	to, _ := url.Parse("http://" + m.Address)
	proxy := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host
		r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"] // a proxy before this one
		r.SetXForwarded()
	}})
	defer proxy.Close()
	client := stays(proxy.Client().Transport)
	host := strings.TrimPrefix(proxy.URL, "https://")
	login := programtest.Object{"username": "ada", "password": "a long enough password"}
	seen := func(forwarded string) (address, link string, secure bool) {
		t.Helper()
		var who struct{ URL, Address string }
		a := sent(t, client, "GET", proxy.URL+"/plugins/caller/who", nil, "X-Forwarded-For", forwarded)
		if err := json.Unmarshal([]byte(a.text), &who); err != nil {
			t.Fatalf("%d %s", a.status, a.text)
		}
		in := sent(t, client, "POST", proxy.URL+"/api/v1/session", login, "X-Forwarded-For", forwarded)
		if in.status != 200 {
			t.Fatalf("login: %d %s", in.status, in.text)
		}
		return who.Address, who.URL, strings.Contains(in.header.Get("Set-Cookie"), "; Secure")
	}
	if address, link, secure := seen("203.0.113.7"); address != "127.0.0.1" || link != "http://"+host+"/plugins/caller/who" || secure {
		t.Errorf("a proxy that nobody trusts: %s %s secure %v", address, link, secure)
	}
	m.API("PUT", "/settings", programtest.Object{"trusted_proxies": []string{"127.0.0.0/8", "198.51.100.1"}}, nil)
	for forwarded, want := range map[string]string{
		"203.0.113.7":                               "203.0.113.7",
		"1.2.3.4, 203.0.113.7":                      "203.0.113.7", // what the client itself says counts for nothing
		"203.0.113.7, 198.51.100.1":                 "203.0.113.7",
		"nonsense, 203.0.113.7":                     "203.0.113.7",
		"203.0.113.7, nonsense":                     "127.0.0.1",
		"2001:db8::7":                               "2001:db8::7",
		strings.Repeat("9.9.9.9, ", 50) + "7.7.7.7": "7.7.7.7",
	} {
		if address, link, secure := seen(forwarded); address != want || link != proxy.URL+"/plugins/caller/who" || !secure {
			t.Errorf("%s by a trusted proxy: %s %s secure %v, want %s", forwarded, address, link, secure, want)
		}
	}
	// Attempts to log in are counted by client, not by proxy.
	attempt := func(from string) int {
		return sent(t, client, "POST", proxy.URL+"/api/v1/session", programtest.Object{"username": "nobody-" + from, "password": "x"}, "X-Forwarded-For", from).status
	}
	for range 10 {
		attempt("203.0.113.50")
	}
	if a, b := attempt("203.0.113.50"), attempt("203.0.113.51"); a != 429 || b != 401 {
		t.Errorf("the eleventh attempt of one client: %d, the first of another: %d", a, b)
	}
	// Figures are for this machine, and a proxy on it is somebody else.
	if a := sent(t, client, "GET", proxy.URL+"/metrics", nil); a.status == 200 {
		t.Error("the figures are served to everybody through a proxy")
	}
	// A public address comes before what the request says.
	m.API("PUT", "/settings", programtest.Object{"public_url": "https://status.example.org/"}, nil)
	if _, link, _ := seen("203.0.113.7"); link != "https://status.example.org/plugins/caller/who" {
		t.Errorf("with a public address a view sees %s", link)
	}
}
