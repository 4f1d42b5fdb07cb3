package plugins_test

import (
	"fmt"
	"testing"
	"time"
)

// TestNginxServer turns the checks of web servers on a real one.
func TestNginxServer(t *testing.T) {
	t.Parallel()
	nginx := program(t, "nginx")
	dir, plain, secure := serverDir(t), serverPort(t), serverPort(t)
	cert, key := writeCertificate(t, dir)
	writeFor(t, dir, "users", "ada:{PLAIN}enigma\n")
	config := writeFor(t, dir, "nginx.conf", fmt.Sprintf(`
daemon off;
worker_processes 1;
pid %[1]s/pid;
error_log stderr;
events {}
http {
  access_log off;
  client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi; uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
  server {
    listen 127.0.0.1:%[2]d;
    listen 127.0.0.1:%[3]d ssl;
    ssl_certificate %[4]s;
    ssl_certificate_key %[5]s;
    location = /json { default_type application/json; return 200 '{"queue":{"waiting":7}}'; }
    location = /login { add_header Set-Cookie "session=s3cret; Path=/"; return 303 /home; }
    location = /home { if ($cookie_session != s3cret) { return 401; } add_header X-Cart cart-7; return 200 "Welcome\n"; }
    location = /guarded { auth_basic "guarded"; auth_basic_user_file %[1]s/users; empty_gif; }
    location = /closed { return 444; }
  }
}
`, dir, plain, secure, cert, key))
	serve(t, plain, unprivileged(t, dir, nginx, "-e", "stderr", "-p", dir, "-c", config))
	b := newBench(t, nil)
	at := func(path string) string { return fmt.Sprintf("http://127.0.0.1:%d%s", plain, path) }

	for _, tt := range []struct {
		slug   string
		config map[string]any
		want   verdict
	}{
		{"http", map[string]any{"endpoint": at("/json"), "json_path": "queue.waiting", "json_value": "7"}, verdict{}},
		{"http", map[string]any{"endpoint": at("/nowhere")}, verdict{err: "Wrong code: got 404 (expected 200)", raw: "nginx"}},
		{"http", map[string]any{"endpoint": at("/closed")}, verdict{err: "Request error occurred: connection closed by 127.0.0.1:"}},
		{"http", map[string]any{"endpoint": fmt.Sprintf("https://127.0.0.1:%d/json", secure)}, verdict{err: "Request error occurred: the certificate of"}},
		{"http", map[string]any{"endpoint": fmt.Sprintf("https://127.0.0.1:%d/json", secure), "verify_ssl_certificate": false}, verdict{}},
		{"http", map[string]any{"endpoint": fmt.Sprintf("http://127.0.0.1:%d/json", secure)}, verdict{err: "Wrong code: got 400 (expected 200)", raw: "plain HTTP request"}},
		{"json_value", map[string]any{"endpoint": at("/json"), "path": "queue.waiting", "fail": 5}, verdict{err: "queue.waiting is 7 (> 5)"}},
		{"tcp", map[string]any{"host": "127.0.0.1", "port": plain, "send": `GET /nowhere HTTP/1.0\r\n\r\n`, "expect": "^HTTP/1.1 404 "}, verdict{}},
		{"tls_certificate", map[string]any{"host": "127.0.0.1", "port": secure, "verify": false}, verdict{message: "Valid until "}},
		{"tls_certificate", map[string]any{"host": "127.0.0.1", "port": secure}, verdict{err: "Certificate is not trusted: ", raw: "CN=moon.example"}},
		{"tls_certificate", map[string]any{"host": "127.0.0.1", "port": plain}, verdict{err: fmt.Sprintf("No certificate: 127.0.0.1:%d does not speak TLS", plain)}},
		{"http_steps", map[string]any{"steps": []any{
			map[string]any{"name": "log in", "url": at("/login"), "captures": "cart: header X-Cart"},
			map[string]any{"name": "home", "url": at("/home?cart={{cart}}"), "text_match": "Welcome"},
		}}, verdict{}},
		{"http_steps", map[string]any{"steps": []any{map[string]any{"name": "home", "url": at("/home")}}}, verdict{err: "Step 1 (home): Wrong code: got 401 (expected 2xx)"}},
		{"banner", map[string]any{"protocol": "ftp", "host": "127.0.0.1", "port": plain}, verdict{err: "No greeting from 127.0.0.1:"}},
	} {
		t.Run(tt.slug, func(t *testing.T) {
			if tt.slug == "banner" {
				t.Parallel() // it waits in vain
			}
			tt.want.compare(t, b.run(tt.slug, check{timeout: 2 * time.Second, config: tt.config}))
		})
	}
	guarded := map[string]any{"endpoint": at("/guarded"), "username": "ada", "password": "enigma"}
	verdict{}.compare(t, b.run("http", check{config: guarded}))
	verdict{err: "Wrong code: got 401 (expected 200)"}.compare(t, b.run("http", check{config: with(guarded, map[string]any{"password": "turing"})}))
}
