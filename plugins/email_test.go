package plugins_test

import (
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"moonwatch/engine"
	"moonwatch/luaapi/host"
)

// parts reads a message's header and its plain and HTML part.
func parts(t testing.TB, text string) (header netmail.Header, plain, html string) {
	t.Helper()
	m, err := netmail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	for r := multipart.NewReader(m.Body, params["boundary"]); ; {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return m.Header, plain, html
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		content := strings.ReplaceAll(string(body), "\r\n", "\n")
		if strings.HasPrefix(p.Header.Get("Content-Type"), "text/html") {
			html = content
		} else {
			plain = content
		}
	}
}

func TestEmail(t *testing.T) {
	server := newMailServer(t)
	b := newBench(t, nil)
	settings := map[string]any{"host": "127.0.0.1", "port": server.port, "security": "none", "from": "Moonwatch <alerts@moon.example>"}
	a := alert{
		event: firing(), settings: settings,
		users:    []engine.UserSnapshot{b.user("email", "ada", nil), b.user("email", "bob", map[string]any{"address": "pager@bob.example"})},
		officers: []engine.UserSnapshot{b.user("email", "eve", nil)},
	}
	report, sent := b.send("email", a)
	if report.Outcome != engine.OutcomeSent || len(server.taken()) != 1 {
		t.Fatalf("got %+v and %d messages", report, len(server.taken()))
	}
	if want := map[string]bool{"ada": true, "bob": true, "eve": true}; !reflect.DeepEqual(set(sent), want) {
		t.Errorf("got %v marked as sent", sent)
	}
	m := server.taken()[0]
	if want := []string{"ada@example.org", "pager@bob.example", "eve@example.org"}; !reflect.DeepEqual(m.to, want) {
		t.Errorf("sent to %v, want %v", m.to, want)
	}
	header, plain, page := parts(t, m.text)
	for name, want := range map[string]string{
		"Subject": "CRITICAL status for service: Shop <1>", "From": `"Moonwatch" <alerts@moon.example>`, "Auto-Submitted": "auto-generated",
		"References": "<inc-7@moon.example>", "In-Reply-To": "<inc-7@moon.example>",
	} {
		if got := header.Get(name); got != want {
			t.Errorf("got %s %q, want %q", name, got, want)
		}
	}
	if ids := header["Message-Id"]; !slices.Equal(ids, []string{"<d-1.inc-7@moon.example>"}) {
		t.Errorf("got Message-Id %q", ids)
	}
	wantPlain := `Service Shop <1> reporting CRITICAL status: https://moon.example/services/s1

Checks failing:
  FAILING - front & page - Type: http - Importance: CRITICAL
    Wrong code: got 500 (expected 200)
    Runbook: https://wiki.example/front

Checks passing:
  PASSING - database - Type: tcp - Importance: ERROR

Runbook: https://wiki.example/shop
`
	if plain != wantPlain {
		t.Errorf("got\n%s\nwant\n%s", plain, wantPlain)
	}
	for _, want := range []string{"Service Shop &lt;1&gt; reporting", `<a href="https://moon.example/checks/c1">front &amp; page</a>`, "<b>database</b>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the HTML part lacks %q:\n%s", want, page)
		}
	}

	a.event = recovery()
	if report, _ = b.send("email", a); report.Outcome != engine.OutcomeSent {
		t.Fatalf("got %+v", report)
	}
	header, plain, _ = parts(t, server.taken()[1].text)
	if header.Get("Subject") != "Service back to normal: Shop <1>" || header.Get("References") != "<inc-7@moon.example>" || !slices.Equal(header["Message-Id"], []string{"<d-2.inc-7@moon.example>"}) {
		t.Errorf("got header %v", header)
	}
	if !strings.HasPrefix(plain, "Service Shop <1> is back to normal: https://moon.example/services/s1\n\nChecks passing:") {
		t.Errorf("got\n%s", plain)
	}
}

func set(list []string) map[string]bool {
	out := map[string]bool{}
	for _, s := range list {
		out[s] = true
	}
	return out
}

func TestEmailVariants(t *testing.T) {
	server := newMailServer(t)
	b := newBench(t, nil)
	settings := map[string]any{"host": "127.0.0.1", "port": server.port, "security": "none", "from": "a@b.example"}
	for _, tt := range []struct {
		name    string
		change  func(*alert)
		subject string
		to      []string
		skipped string
	}{
		{"an instance", func(a *alert) { a.event.Subject.Kind = engine.KindInstance }, "CRITICAL status for instance: Shop <1>", []string{"ada@example.org", "eve@example.org"}, ""},
		{"an instance recovers", func(a *alert) { a.event = recovery(); a.event.Subject.Kind = engine.KindInstance }, "Instance back to normal: Shop <1>", []string{"ada@example.org", "eve@example.org"}, ""},
		{"a warning leaves the officers out", func(a *alert) {
			a.event.OverallStatus, a.event.WorstStatus = engine.StatusWarning, engine.StatusWarning
		},
			"WARNING status for service: Shop <1>", []string{"ada@example.org"}, ""},
		{"one address for two", func(a *alert) {
			a.officers = nil
			a.users = append(a.users, b.user("email", "zoe", map[string]any{"address": "ada@example.org"}))
		},
			"CRITICAL status for service: Shop <1>", []string{"ada@example.org"}, ""},
		{"a test", func(a *alert) { a.event.Kind, a.officers = engine.AlertTest, nil }, "Test: CRITICAL status for service: Shop <1>", []string{"ada@example.org"}, ""},
		{"nobody", func(a *alert) { a.users, a.officers = nil, nil }, "", nil, "nobody to write to has an address"},
		{"no address", func(a *alert) { a.users[0].Email, a.officers = "", nil }, "", nil, "nobody to write to has an address"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := alert{event: firing(), settings: settings, users: []engine.UserSnapshot{b.user("email", "ada", nil)}, officers: []engine.UserSnapshot{b.user("email", "eve", nil)}}
			tt.change(&a)
			before := len(server.taken())
			report, _ := b.send("email", a)
			if tt.skipped != "" {
				if report.Outcome != engine.OutcomeSkipped || report.Why != tt.skipped || len(server.taken()) != before {
					t.Errorf("got %+v", report)
				}
				return
			}
			if report.Outcome != engine.OutcomeSent {
				t.Fatalf("got %+v", report)
			}
			m := server.taken()[before]
			header, _, _ := parts(t, m.text)
			if header.Get("Subject") != tt.subject || !reflect.DeepEqual(m.to, tt.to) {
				t.Errorf("got %q to %v", header.Get("Subject"), m.to)
			}
		})
	}
}

func TestEmailFaults(t *testing.T) {
	server := newMailServer(t)
	server.refuse["ada@example.org"] = true
	b := newBench(t, nil)
	settings := map[string]any{"host": "127.0.0.1", "port": server.port, "security": "none", "from": "a@b.example"}
	a := alert{event: firing(), settings: settings, users: []engine.UserSnapshot{b.user("email", "ada", nil), b.user("email", "bob", nil)}}

	report, sent := b.send("email", a)
	if report.Outcome != engine.OutcomeFailed || report.Why != "The mail server refused ada@example.org" || !reflect.DeepEqual(sent, []string{"bob"}) {
		t.Errorf("one refused: got %+v, marked %v", report, sent)
	}
	server.busy = true
	report, sent = b.send("email", a)
	if report.Outcome != engine.OutcomeFailed || !strings.HasPrefix(report.Why, "Mail could not be sent: ") || len(sent) != 0 || report.NoRetry {
		t.Errorf("busy: got %+v, marked %v", report, sent)
	}
	a.settings = with(settings, map[string]any{"port": closedPort(t)})
	if report, _ = b.send("email", a); report.Outcome != engine.OutcomeFailed || !strings.Contains(report.Why, "refused by 127.0.0.1") {
		t.Errorf("no server: got %+v", report)
	}
	a.settings = with(settings, map[string]any{"security": "starttls"})
	if report, _ = b.send("email", a); report.Outcome != engine.OutcomeFailed || !strings.Contains(report.Why, "does not offer STARTTLS") {
		t.Errorf("no STARTTLS: got %+v", report)
	}
	for _, missing := range []string{"host", "from"} {
		a.settings = with(settings, map[string]any{missing: nil})
		if report, _ = b.send("email", a); report.Outcome != engine.OutcomeFailed || !strings.HasPrefix(report.Why, "The mail server and the sender must be set") {
			t.Errorf("no %s: got %+v", missing, report)
		}
	}
}

// TestEmailEnvironment holds that the variables are read where the settings are
// empty, and how the security follows from them.
func TestEmailEnvironment(t *testing.T) {
	for _, tt := range []struct {
		env  map[string]string
		want host.Mail
	}{
		{map[string]string{}, host.Mail{Security: host.SecurityStartTLS}},
		{map[string]string{"EMAIL_PORT": "465"}, host.Mail{Port: 465, Security: host.SecurityTLS}},
		{map[string]string{"EMAIL_PORT": "25"}, host.Mail{Port: 25, Security: host.SecurityNone}},
		{map[string]string{"EMAIL_PORT": "25", "EMAIL_USE_TLS": "True"}, host.Mail{Port: 25, Security: host.SecurityStartTLS}},
		{map[string]string{"EMAIL_PORT": "2525", "EMAIL_USE_SSL": "1"}, host.Mail{Port: 2525, Security: host.SecurityTLS}},
		{map[string]string{"EMAIL_USE_SSL": "false", "EMAIL_HOST_USER": "ada", "EMAIL_HOST_PASSWORD": "enigma"},
			host.Mail{Security: host.SecurityStartTLS, Username: "ada", Password: "enigma"}},
	} {
		post := &postBox{}
		b := newBench(t, post)
		b.env = environment(map[string]string{"EMAIL_HOST": "mail.example", "CABOT_FROM_EMAIL": "cabot@moon.example"}, tt.env)
		report, _ := b.send("email", alert{event: firing(), users: []engine.UserSnapshot{b.user("email", "ada", nil)}})
		if report.Outcome != engine.OutcomeSent {
			t.Errorf("%v: got %+v", tt.env, report)
			continue
		}
		m := post.mail
		got := host.Mail{Port: m.Port, Security: m.Security, Username: m.Username, Password: m.Password}
		if !reflect.DeepEqual(got, tt.want) || m.Host != "mail.example" || m.From != "cabot@moon.example" {
			t.Errorf("%v: got %+v by %s from %s, want %+v", tt.env, got, m.Host, m.From, tt.want)
		}
	}
}

func environment(maps ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range maps {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

func TestEmailLogin(t *testing.T) {
	server := newMailServer(t)
	b := newBench(t, nil)
	report, _ := b.send("email", alert{event: firing(), users: []engine.UserSnapshot{b.user("email", "ada", nil)}, settings: map[string]any{
		"host": "localhost", "port": server.port, "security": "none", "from": "a@b.example", "username": "ada", "password": "enigma-1"}})
	if report.Outcome != engine.OutcomeSent || server.taken()[0].login == "" {
		t.Errorf("got %+v at port %s, login %+v", report, strconv.Itoa(server.port), server.taken())
	}
}
