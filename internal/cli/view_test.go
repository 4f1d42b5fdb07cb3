package cli

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"moonwatch/internal/programtest"
)

// inbox is a check plugin that others push results to: its view finds the check
// by a token, and records.
const inbox = `local forms, log = require "forms", require "log"
local Inbox = { name = "Inbox", slug = "inbox", version = "1",
  config_form = { forms.CharField{ "token", widget = forms.PasswordInput } } }
function Inbox:run(check, result) return nil end
function Inbox:ping(check, ping, result) return nil end
Inbox.urls = {
  { path = "push", methods = { "POST" }, public = true, view = function(self, request)
    local check = request.monitor.check(request.query.check or "")
    if not check or request.headers["X-Token"] ~= check.token then return { status = 403 } end
    local data = request:json()
    local done, message, kind = request.monitor.record(check.id, { succeeded = data.ok, error = data.error, metrics = { depth = data.depth } })
    return { status = done and 202 or 409, json = { kind = kind } }
  end },
  { path = "whoami", view = function(self, request) return { json = { name = request.user.username, role = request.user.role } } end },
  { path = "oops", public = true, view = function(self, request) log.warn("about to fail") error("oops: " .. request.path) end },
}
return Inbox
`

// post sends a body to an address outside the API.
func post(m *programtest.Program, path, body string, headers ...string) int {
	m.T.Helper()
	req, err := http.NewRequest("POST", "http://"+m.Address+path, strings.NewReader(body))
	if err != nil {
		m.T.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	answer, err := programtest.Client.Do(req)
	if err != nil {
		m.T.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode
}

func TestProgramViews(t *testing.T) {
	m := programtest.Serving(t)
	m.Save("inbox.lua", inbox)
	m.AwaitPlugin("inbox", "1")
	check := m.Check("pushed", "inbox", programtest.Object{"token": "s3cret-token"}, nil)
	if got := post(m, "/plugins/inbox/push?check="+check, `{"ok":true}`, "X-Token", "wrong"); got != 403 {
		t.Errorf("with a wrong token: %d", got)
	}
	if got := post(m, "/plugins/inbox/push?check="+check, `{"ok":false,"error":"disk full","depth":4}`, "X-Token", "s3cret-token"); got != 202 {
		t.Fatalf("with the token: %d", got)
	}
	if r, ok := m.Latest(check); !ok || r.Succeeded || r.Error != "disk full" || r.Severity != "ERROR" || len(r.Metrics) != 1 || r.Metrics[0].Value != 4 {
		t.Errorf("got %+v", r)
	}
	if status, text, _ := m.Get("/plugins/inbox/whoami"); status != 401 {
		t.Errorf("a view that is not public answers nobody with %d %s", status, text)
	}
	if status, text, _ := m.Get("/plugins/inbox/oops"); status != 500 || strings.Contains(text, "oops") {
		t.Errorf("an error answers %d %s, want a bare 500", status, text)
	}
}

func TestProgramSlackAcknowledges(t *testing.T) {
	const secret = "8f742231b10e8888abcd99yyyzzz85a5"
	m := programtest.Serving(t)
	m.API("PUT", "/settings", programtest.Object{"public_url": "http://" + m.Address}, nil)
	m.API("PUT", "/plugins/slack/settings", programtest.Object{"signing_secret": secret}, nil)
	m.API("POST", "/users", programtest.Object{"username": "ada", "settings": programtest.Object{"slack": programtest.Object{"alias": "U012AB"}}}, nil)
	m.Save("down.lua", "local D = { name = 'Down', slug = 'down', version = '1' }\nfunction D:run(check, result) result.error = 'is down' return result end\nreturn D\n")
	m.AwaitPlugin("down", "1")
	service := m.Service("shop", []string{m.Check("always down", "down", programtest.Object{}, nil)}, nil)
	var page struct{ Items []struct{ Key string } }
	programtest.Until(t, "an incident opens", 10*time.Second, func() bool {
		m.API("GET", "/incidents?open=true&service="+service, nil, &page)
		return len(page.Items) == 1
	})
	value, _ := json.Marshal(programtest.Object{"service": service, "incident": page.Items[0].Key})
	payload, _ := json.Marshal(programtest.Object{"type": "block_actions", "user": programtest.Object{"id": "U012AB"},
		"actions": []programtest.Object{{"action_id": "acknowledge", "value": string(value)}}, "response_url": ""})
	body := url.Values{"payload": {string(payload)}}.Encode()
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("v0:" + stamp + ":" + body))
	headers := []string{"Content-Type", "application/x-www-form-urlencoded", "X-Slack-Request-Timestamp", stamp,
		"X-Slack-Signature", "v0=" + hex.EncodeToString(mac.Sum(nil))}
	var shown struct {
		Acknowledgement *struct{ Username, Comment string }
	}
	if got := post(m, "/plugins/slack/callback", body+"&", headers...); got != 401 {
		t.Errorf("another body than was signed answers %d", got)
	}
	if m.API("GET", "/services/"+service, nil, &shown); shown.Acknowledgement != nil {
		t.Errorf("it was acknowledged: %+v", shown.Acknowledgement)
	}
	if got := post(m, "/plugins/slack/callback", body, headers...); got != 200 {
		t.Fatalf("Slack's request answers %d", got)
	}
	if m.API("GET", "/services/"+service, nil, &shown); shown.Acknowledgement == nil || shown.Acknowledgement.Username != "ada" {
		t.Errorf("got %+v", shown.Acknowledgement)
	}
}

func TestProgramStatusRule(t *testing.T) {
	m := programtest.Serving(t)
	m.Save("down.lua", "local D = { name = 'Down', slug = 'down', version = '1' }\nfunction D:run(check, result) result.error = 'is down' return result end\nreturn D\n")
	m.AwaitPlugin("down", "1")
	check := m.Check("always down", "down", programtest.Object{}, programtest.Object{"tags": []string{"edge"}})
	service := m.Service("shop", []string{check}, programtest.Object{"status_rule": `return function(checks)
		return checks[1].status == "FAILING" and checks[1].tags[1] == "edge" and "WARNING" or "PASSING"
	end`})
	programtest.Until(t, "the rule's status", 10*time.Second, func() bool {
		var s programtest.Made
		m.API("GET", "/services/"+service, nil, &s)
		return s.OverallStatus == "WARNING"
	})
	m.API("PATCH", "/services/"+service, programtest.Object{"status_rule": "return function(checks) return checks[1].stauts end"}, nil)
	var s struct {
		OverallStatus string `json:"overall_status"`
		Problem       string
	}
	m.API("GET", "/services/"+service, nil, &s)
	if s.OverallStatus != "ERROR" || !strings.HasSuffix(s.Problem, "status_rule:1: check has no field 'stauts'; did you mean 'status'?") {
		t.Errorf("got %+v", s)
	}
	status, data, _ := m.Ask("PATCH", "/services/"+service, programtest.Object{"status_rule": "return +"})
	if status != 422 || !strings.Contains(string(data), `"location":"status_rule"`) || !strings.Contains(string(data), "line 1") {
		t.Errorf("got %d %s", status, data)
	}
}
