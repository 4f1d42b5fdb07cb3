package plugins_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
)

// newShop is a site with a login: a form with a token, a cookie, and a JSON API.
func newShop(t *testing.T) *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "before", Value: "1", Path: "/"})
		fmt.Fprint(w, `<form><input name="csrf" value="t0&k/n"></form>`)
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		if _, err := r.Cookie("before"); err != nil || r.FormValue("csrf") != "t0&k/n" || r.FormValue("user") != "ada" || r.FormValue("password") != "open&sesame" {
			http.Error(w, "wrong password", http.StatusForbidden)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "s3cret", Path: "/"})
		http.Redirect(w, r, "/home", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /home", func(w http.ResponseWriter, r *http.Request) {
		if c, err := r.Cookie("session"); err != nil || c.Value != "s3cret" {
			http.Error(w, "log in first", http.StatusUnauthorized)
			return
		}
		w.Header().Set("X-Cart", "cart-7")
		fmt.Fprint(w, "Welcome, ada")
	})
	mux.HandleFunc("/carts/{id}", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("id") != "cart-7" || r.Header.Get("X-Token") != "abc" && r.Method == "GET" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, `{"items":[{"sku":"moon \"1\"","n":3,"none":null}],"open":true}`)
	})
	mux.HandleFunc("/slow", func(w http.ResponseWriter, _ *http.Request) { time.Sleep(30 * time.Millisecond) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// loginSteps log in and look at the cart; a change of a step is by its number.
func loginSteps(url string, changes map[int]map[string]any) map[string]any {
	steps := []map[string]any{
		{"name": "form", "url": url + "/login", "captures": `csrf: regex name="csrf" value="([^"]+)"`},
		{"name": "log in", "url": "{{base}}/login", "method": "POST", "body": "csrf={{csrf|url}}&user=ada&password={{ password | url }}", "text_match": "Welcome, ada", "text_absent": "log in", "captures": "cart: header x-cart"},
		{"name": "cart", "url": "{{base}}/carts/{{cart}}", "headers": "X-Token: {{token}}", "json_path": "items[0].n", "json_value": "3", "captures": "sku: json items[0].sku"},
		{"name": "change", "url": "{{base}}/carts/{{cart}}", "method": "PUT", "headers": "Content-Type: application/json", "body": `{"sku":"{{sku|json}}"}`, "status_code": "200,204"},
	}
	list := make([]any, len(steps))
	for i, step := range steps {
		list[i] = with(step, changes[i+1])
	}
	return map[string]any{"steps": list, "variables": "base: " + url + "\npassword: open&sesame\ntoken: abc"}
}

func TestHTTPSteps(t *testing.T) {
	t.Parallel()
	server := newShop(t)
	b := newBench(t, nil)
	got := b.run("http_steps", check{config: loginSteps(server.URL, nil)})
	verdict{}.compare(t, got)
	total := 0.0
	for _, name := range []string{"1 form", "2 log in", "3 cart", "4 change"} {
		total += value(t, got, name)
	}
	if sum := value(t, got, "total"); total <= 0 || sum < total*0.999 || sum > total*1.001 {
		t.Errorf("got total %v, want the sum %v", sum, total)
	}

	for _, tt := range []struct {
		name    string
		changes map[int]map[string]any
		config  map[string]any
		want    verdict
	}{
		{name: "wrong password", config: map[string]any{"variables": "base: " + server.URL + "\npassword: x\ntoken: abc"}, want: verdict{err: "Step 2 (log in): Wrong code: got 403 (expected 2xx)", raw: "wrong password"}},
		{name: "redirect kept", changes: map[int]map[string]any{2: {"follow_redirects": false, "status_code": "303", "text_match": nil, "captures": nil}, 3: {"url": "{{base}}/carts/cart-7"}, 4: {"url": "{{base}}/slow"}}},
		{name: "no match", changes: map[int]map[string]any{2: {"text_match": "Welcome, bob"}}, want: verdict{err: "Step 2 (log in): Failed to find match regex /Welcome, bob/ in response body", raw: "Welcome, ada"}},
		{name: "not absent", changes: map[int]map[string]any{2: {"text_absent": "ada"}}, want: verdict{err: "Step 2 (log in): Found match regex /ada/ in response body"}},
		{name: "wrong value", changes: map[int]map[string]any{3: {"json_value": "{{token}}"}}, want: verdict{err: "Step 3 (cart): Wrong value at JSON path items[0].n: got 3 (expected abc)"}},
		{name: "no value", changes: map[int]map[string]any{3: {"json_path": "items[1].n"}}, want: verdict{err: "Step 3 (cart): Failed to find JSON path items[1].n in response body"}},
		{name: "no JSON", changes: map[int]map[string]any{2: {"json_path": "a"}}, want: verdict{err: "Step 2 (log in): Failed to find JSON path a in response body"}},
		{name: "nothing captured by regex", changes: map[int]map[string]any{1: {"captures": "csrf: regex nothing"}}, want: verdict{err: "Step 1 (form): Failed to capture csrf: regex nothing", raw: "csrf"}},
		{name: "nothing captured of JSON", changes: map[int]map[string]any{3: {"captures": "sku: json items[0].none"}}, want: verdict{err: "Step 3 (cart): Failed to capture sku: json items[0].none"}},
		{name: "no header", changes: map[int]map[string]any{2: {"captures": "cart: header X-Basket"}}, want: verdict{err: "Step 2 (log in): Failed to capture cart: header X-Basket"}},
		{name: "variable missing", changes: map[int]map[string]any{4: {"url": "{{base}}/{{basket}}"}}, want: verdict{unknown: true, err: "Step 4 (change): there is no variable basket"}},
		{name: "escape missing", changes: map[int]map[string]any{4: {"body": "{{sku|xml}}"}}, want: verdict{unknown: true, err: "Step 4 (change): there is no xml to escape with"}},
		{name: "slow", changes: map[int]map[string]any{4: {"url": "{{base}}/slow"}}, config: map[string]any{"warn_after": "20ms"}, want: verdict{err: "All steps took 0.", severity: engine.StatusWarning}},
		{name: "too slow", changes: map[int]map[string]any{4: {"url": "{{base}}/slow"}}, config: map[string]any{"warn_after": "1ms", "fail_after": "20ms"}, want: verdict{err: "All steps took 0."}},
		{name: "no host", changes: map[int]map[string]any{1: {"url": "http://host.invalid/"}}, want: verdict{err: "Step 1 (form): Request error occurred: "}},
		{name: "no URL", changes: map[int]map[string]any{1: {"url": "nowhere"}}, want: verdict{err: "Step 1 (form): Request error occurred: "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.compare(t, b.run("http_steps", check{config: with(loginSteps(server.URL, tt.changes), tt.config)}))
		})
	}

	t.Run("secrets", func(t *testing.T) {
		echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "you said "+r.FormValue("password"))
		}))
		defer echo.Close()
		got := b.run("http_steps", check{config: loginSteps(echo.URL, map[int]map[string]any{1: {"method": "POST", "body": "password={{password|url}}", "captures": "x: regex nothing"}})})
		if got.Succeeded || strings.Contains(got.RawData, "sesame") || !strings.Contains(got.RawData, "you said ***") {
			t.Errorf("got %+v, want the password masked", got)
		}
	})
	for name, port := range faulty(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := loginSteps(server.URL, map[int]map[string]any{2: {"url": fmt.Sprintf("http://127.0.0.1:%d/", port)}})
			verdict{err: "Step 2 (log in): Request error occurred: "}.compare(t, b.run("http_steps", check{timeout: short, config: config}))
		})
	}
}

func TestHTTPStepsCertificate(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {}))
	server.Config.ErrorLog = quiet()
	server.StartTLS()
	defer server.Close()
	b := newBench(t, nil)
	config := map[string]any{"steps": []any{map[string]any{"name": "page", "url": server.URL}}}
	verdict{err: "Step 1 (page): Request error occurred: the certificate of"}.compare(t, b.run("http_steps", check{config: config}))
	verdict{}.compare(t, b.run("http_steps", check{config: with(config, map[string]any{"verify_ssl_certificate": false})}))
}

func TestHTTPStepsConfig(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	steps := func(change map[string]any) map[string]any {
		return map[string]any{"steps": []any{with(map[string]any{"name": "page", "url": "https://shop.example/"}, change)}}
	}
	good := steps(nil)
	b.checkConfig(t, "http_steps", good, complaint{nil, ""}, complaint{map[string]any{"steps": []any{}}, "steps"},
		complaint{steps(map[string]any{"name": nil}), "steps[0].name"}, complaint{steps(map[string]any{"url": nil}), "steps[0].url"},
		complaint{steps(map[string]any{"method": "FETCH"}), "steps[0].method"}, complaint{steps(map[string]any{"status_code": "ok"}), "steps[0].status_code"},
		complaint{steps(map[string]any{"text_match": "("}), "steps[0].text_match"}, complaint{steps(map[string]any{"json_path": "a..b"}), "steps"},
		complaint{steps(map[string]any{"captures": "a: json x.y\nb: regex (x)\nc: header Location"}), ""},
		complaint{steps(map[string]any{"captures": "a: css h1"}), "steps"}, complaint{steps(map[string]any{"captures": "a: json x..y"}), "steps"},
		complaint{steps(map[string]any{"captures": "a: regex ("}), "steps"}, complaint{steps(map[string]any{"captures": "a b: json x"}), "steps"},
		complaint{steps(map[string]any{"captures": "a: json"}), "steps"}, complaint{map[string]any{"warn_after": "soon"}, "warn_after"})
	if got := b.description(t, "http_steps", loginSteps("https://shop.example", nil)); got != "HTTP steps: form, log in, cart, change" {
		t.Errorf("got description %q", got)
	}
}
