package plugins_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"moonwatch/engine"
)

const (
	twilioCalls    = "https://api.twilio.com/2010-04-01/Accounts/AC1/Calls.json"
	twilioMessages = "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json"
)

func twilioSettings() map[string]any {
	return map[string]any{"sid": "AC1", "token": "secret-token", "number": "+15017122661"}
}

// phones gives users of whom each has a number; "" is none.
func phones(b *bench, numbers map[string]string) []engine.UserSnapshot {
	var users []engine.UserSnapshot
	for id, number := range numbers {
		var settings map[string]any
		if number != "" {
			settings = map[string]any{"phone_number": number}
		}
		users = append(users, b.user("twilio_call", id, settings))
	}
	slices.SortFunc(users, func(a, b engine.UserSnapshot) int { return strings.Compare(a.ID, b.ID) })
	return users
}

func TestTwilioCall(t *testing.T) {
	queued := reply{status: 201, body: `{"sid":"CA1","status":"queued"}`}
	b, twilio := newReceiver(t, queued)
	a := alert{
		event: firing(), settings: twilioSettings(), users: phones(b, map[string]string{"ada": "+442071838750"}),
		officers: phones(b, map[string]string{"dan": "+4930123456", "eve": "+4930654321", "fay": ""}),
	}
	sent := b.mustSend("twilio_call", a)
	got := twilio.requests()
	if len(got) != 2 || !reflect.DeepEqual(sent, []string{"dan", "eve"}) {
		t.Fatalf("got %d calls, reached %v; want the officers that have a number", len(got), sent)
	}
	req, form := formOf(t, got[0])
	want := map[string]string{"To": "+4930123456", "From": "+15017122661", "Timeout": "30", "Method": "POST",
		"Url": "https://moon.example/plugins/twilio_call/answered?incident=inc-7&service=s1&user=dan"}
	user, password, _ := (&http.Request{Header: req.Header}).BasicAuth()
	if req.Method != "POST" || req.URL != twilioCalls || user != "AC1" || password != "secret-token" || !reflect.DeepEqual(fields(form), want) {
		t.Errorf("got %s %v\nwant %v", req.URL, fields(form), want)
	}

	for _, tt := range []struct {
		event engine.AlertSnapshot
		calls int
	}{
		{of(engine.AlertEscalation, engine.StatusCritical), 2}, {of(engine.AlertRepeat, engine.StatusCritical), 2},
		{of(engine.AlertFiring, engine.StatusError), 0}, {of(engine.AlertUpdate, engine.StatusCritical), 0}, {of(engine.AlertDeescalation, engine.StatusError), 0}, {recovery(), 0},
	} {
		twilio.answer(queued)
		a.event = tt.event
		report, _ := b.send("twilio_call", a)
		if len(twilio.requests()) != tt.calls || (report.Outcome == engine.OutcomeSkipped) != (tt.calls == 0) {
			t.Errorf("%s at %s: got %+v after %d calls, want %d", tt.event.Kind, tt.event.OverallStatus, report, len(twilio.requests()), tt.calls)
		}
	}

	twilio.answer(queued)
	a.event, a.officers = of(engine.AlertTest, engine.StatusCritical), nil
	b.mustSend("twilio_call", a)
	if _, form = twilio.form(); form.Get("To") != "+442071838750" || form.Get("Url") != "" ||
		form.Get("Twiml") != `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+`<Response><Say loop="2">This is Moonwatch. This is a test. Service Shop &lt;1&gt; is critical. Failing: front &amp; page.</Say></Response>` {
		t.Errorf("test: got %v", form)
	}
}

func TestTwilioSMS(t *testing.T) {
	queued := reply{status: 201, body: `{"sid":"SM1","status":"queued"}`}
	b, twilio := newReceiver(t, queued)
	a := alert{
		event: firing(), settings: twilioSettings(),
		users:    phones(b, map[string]string{"ada": "+442071838750", "bob": ""}),
		officers: phones(b, map[string]string{"dan": "+442071838750", "eve": "+4930654321"}),
	}
	sent := b.mustSend("twilio_sms", a)
	got := twilio.requests()
	if len(got) != 2 || !reflect.DeepEqual(sent, []string{"ada", "dan", "eve"}) {
		t.Fatalf("got %d messages, reached %v; want one for each number", len(got), sent)
	}
	req, form := formOf(t, got[1])
	want := map[string]string{"To": "+4930654321", "From": "+15017122661",
		"Body": "Service Shop <1> reporting CRITICAL status: https://moon.example/services/s1. Checks failing: front & page (Wrong code: got 500 (expected 200))"}
	if req.Method != "POST" || req.URL != twilioMessages || !reflect.DeepEqual(fields(form), want) {
		t.Errorf("got %s %v\nwant %v", req.URL, fields(form), want)
	}
	for _, tt := range []struct {
		event engine.AlertSnapshot
		text  string // "" is skipped
	}{
		{of(engine.AlertEscalation, engine.StatusError), "Service Shop <1> reporting ERROR status: "}, {recovery(), "Service Shop <1> is back to normal: "},
		{of(engine.AlertTest, engine.StatusPassing), "Test: Service Shop <1> is back to normal: "},
		{of(engine.AlertUpdate, engine.StatusCritical), ""}, {of(engine.AlertDeescalation, engine.StatusError), ""},
	} {
		twilio.answer(queued)
		a.event = tt.event
		report, _ := b.send("twilio_sms", a)
		if tt.text == "" {
			if report.Outcome != engine.OutcomeSkipped || len(twilio.requests()) > 0 {
				t.Errorf("%s: got %+v", tt.event.Kind, report)
			}
		} else if _, form = twilio.form(); report.Outcome != engine.OutcomeSent || !strings.HasPrefix(form.Get("Body"), tt.text) {
			t.Errorf("%s: got %+v with %v", tt.event.Kind, report, form)
		}
	}
	a.event = firing()
	a.event.Failing[0].Error = strings.Repeat("ä", 5000)
	b.mustSend("twilio_sms", a)
	if _, form = twilio.form(); len([]rune(form.Get("Body"))) != 480 {
		t.Errorf("got %d characters, want 480", len([]rune(form.Get("Body"))))
	}
}

func TestTwilioFaults(t *testing.T) {
	for _, slug := range []string{"twilio_call", "twilio_sms"} {
		t.Run(slug, func(t *testing.T) {
			b, twilio := newReceiver(t)
			base := alert{event: firing(), settings: twilioSettings(), officers: phones(b, map[string]string{"eve": "+4930654321"})}
			twilio.faults(b, slug, "eve: Twilio", base,
				fault{name: "invalid number", answer: reply{status: 400, body: `{"code":21211,"message":"The 'To' number +4930654321 is not a valid phone number.","more_info":"https://www.twilio.com/docs/errors/21211","status":400}`},
					why: "eve: Twilio answered 400: it is no phone number", hopeless: true},
				fault{name: "opted out", answer: reply{status: 400, body: `{"code":21610,"message":"Attempt to send to unsubscribed recipient","status":400}`}, why: "eve: Twilio answered 400: its owner has opted out", hopeless: true},
				fault{name: "wrong token", answer: reply{status: 401, body: `{"code":20003,"message":"Authenticate","status":401}`}, why: "eve: Twilio answered 401: the account SID or the token is wrong (error 20003)"},
				fault{name: "other", answer: reply{status: 400, body: `{"code":99999,"message":"Odd.","status":400}`}, why: "eve: Twilio answered 400: Odd. (error 99999)"},
				fault{name: "nothing set", change: func(a *alert) { a.settings = nil }, why: "The account SID, the token and the number must be set"},
				fault{name: "no number", change: func(a *alert) { a.officers = phones(b, map[string]string{"eve": ""}) }, why: "nobody whom this concerns has a phone number", skipped: true},
				fault{name: "nobody", change: func(a *alert) { a.officers = nil }, skipped: true},
			)
			twilio.answer(reply{status: 400, body: `{"code":21211}`}, reply{status: 201}, reply{status: 503})
			base.officers = phones(b, map[string]string{"dan": "+4930111111", "eve": "+4930222222", "fay": "+4930333333"})
			got, sent := b.send(slug, base)
			if want := "dan: Twilio answered 400: it is no phone number; fay: Twilio answered 503"; got.Why != want || got.NoRetry || !reflect.DeepEqual(sent, []string{"eve"}) {
				t.Errorf("got %+v, reached %v, want %q, to be tried again", got, sent, want)
			}
		})
	}
	b, twilio := newReceiver(t, reply{status: 201})
	b.env = map[string]string{"TWILIO_ACCOUNT_SID": "AC2", "TWILIO_AUTH_TOKEN": "secret-env", "TWILIO_OUTGOING_NUMBER": "+15550001111"}
	b.mustSend("twilio_sms", alert{event: firing(), users: phones(b, map[string]string{"ada": "+442071838750"})})
	if req, form := twilio.form(); !strings.Contains(req.URL, "/AC2/") || form.Get("From") != "+15550001111" {
		t.Errorf("got %v to %s, want the environment's account", form, req.URL)
	}
	if _, errs := b.clean("twilio_call", engine.UserConfigForm, "u1", map[string]any{"phone_number": "020 7183 8750"}); len(errs) != 1 || !strings.Contains(errs[0].Message, "country code") {
		t.Errorf("got %+v", errs)
	}
}

// officer is what the call's views may see and do.
type officer struct {
	engine.Monitor
	service *engine.AlertSnapshot // nil: gone
	refuse  engine.MonitorErrorKind
	acked   []string
}

func (o *officer) Service(_ context.Context, id string) (*engine.AlertSnapshot, error) {
	if o.service == nil || o.service.Subject.ID != id {
		return nil, &engine.MonitorError{Kind: engine.MonitorNotFound, Message: "there is none"}
	}
	return o.service, nil
}

func (o *officer) Acknowledge(_ context.Context, service, username string, options engine.AckOptions) error {
	if o.refuse != "" {
		return &engine.MonitorError{Kind: o.refuse, Message: "no"}
	}
	o.acked = append(o.acked, service+" "+username+" "+options.IncidentKey+" "+options.Comment)
	return nil
}

// sign signs a request as Twilio's documentation says.
func sign(token, address string, form url.Values) string {
	text := address
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range form[name] {
			text += name + value
		}
	}
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// ring calls a view as Twilio does; change may spoil the request.
func ring(b *bench, o *officer, path, query string, form url.Values, change func(*engine.ViewRequest)) engine.ViewAnswer {
	b.t.Helper()
	address := "https://moon.example/plugins/twilio_call/" + path + "?" + query
	values, err := url.ParseQuery(query)
	if err != nil {
		b.t.Fatal(err)
	}
	in := engine.ViewCall{
		PublicURL: "https://moon.example", Settings: b.mustClean("twilio_call", engine.SettingsForm, "twilio_call", twilioSettings()), Monitor: o,
		Request: engine.ViewRequest{Method: "POST", URL: address, Path: path, Query: values, Body: []byte(form.Encode()), Headers: map[string][]string{
			"Content-Type": {"application/x-www-form-urlencoded"}, "X-Twilio-Signature": {sign("secret-token", address, form)}}},
	}
	if change != nil {
		change(&in.Request)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10e9)
	defer cancel()
	answer, err := b.plugin("twilio_call").View(ctx, &in)
	if err != nil {
		b.t.Fatalf("%+v", err)
	}
	return answer
}

func TestTwilioViews(t *testing.T) {
	b, _ := newReceiver(t, reply{})
	const query = "incident=inc-7&service=s1&user=dan"
	event := firing()
	event.Failing = append(event.Failing, event.Failing[0], event.Failing[0], event.Failing[0])
	o := &officer{service: &event}
	form := url.Values{"CallSid": {"CA1"}, "From": {"+15017122661"}, "To": {"+4930123456"}, "CallStatus": {"in-progress"}, "empty": {""}}
	answer := ring(b, o, "answered", query, form, nil)
	want := `<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
		`<Response><Gather numDigits="1" timeout="10" method="POST" action="https://moon.example/plugins/twilio_call/pressed?incident=inc-7&amp;service=s1&amp;user=dan">` +
		`<Say loop="2">This is Moonwatch. Service Shop &lt;1&gt; is critical. Failing: front &amp; page, front &amp; page, front &amp; page and 1 more. Press 1 to acknowledge.</Say></Gather>` +
		`<Say>No key was pressed. Goodbye.</Say></Response>`
	if answer.Status != 200 || string(answer.Body) != want || !strings.HasPrefix(http.Header(answer.Headers).Get("Content-Type"), "text/xml") {
		t.Errorf("got %d %v %s\nwant %s", answer.Status, answer.Headers, answer.Body, want)
	}
	if answer = ring(b, &officer{}, "answered", query, form, nil); !strings.Contains(string(answer.Body), "is gone") {
		t.Errorf("gone: got %s", answer.Body)
	}

	one := url.Values{"Digits": {"1"}, "CallSid": {"CA1"}}
	if answer = ring(b, o, "pressed", query, one, nil); !strings.Contains(string(answer.Body), "It is acknowledged.") || !reflect.DeepEqual(o.acked, []string{"s1 dan inc-7 Acknowledged by phone"}) {
		t.Errorf("got %s, acknowledged %v", answer.Body, o.acked)
	}
	o.acked = nil
	if answer = ring(b, o, "pressed", query, url.Values{"Digits": {"2"}}, nil); !strings.Contains(string(answer.Body), "not acknowledged") {
		t.Errorf("another key: got %s", answer.Body)
	}
	for kind, text := range map[engine.MonitorErrorKind]string{
		engine.MonitorNotFailing: "back to normal already", engine.MonitorOtherIncident: "That incident is over", engine.MonitorUnknownUser: "Your user account is unknown",
		engine.MonitorDenied: "may not acknowledge", engine.MonitorUnavailable: "could not be acknowledged",
	} {
		o.refuse = kind
		if answer = ring(b, o, "pressed", query, one, nil); answer.Status != 200 || !strings.Contains(string(answer.Body), text) {
			t.Errorf("%s: got %s, want %q", kind, answer.Body, text)
		}
	}
	o.refuse = ""
	for name, spoil := range map[string]func(*engine.ViewRequest){
		"no signature":   func(r *engine.ViewRequest) { delete(r.Headers, "X-Twilio-Signature") },
		"another's":      func(r *engine.ViewRequest) { r.Headers["X-Twilio-Signature"] = []string{sign("other", r.URL, one)} },
		"changed body":   func(r *engine.ViewRequest) { r.Body = []byte("Digits=1&CallSid=CA2") },
		"changed user":   func(r *engine.ViewRequest) { r.URL = strings.Replace(r.URL, "dan", "eve", 1) },
		"empty":          func(r *engine.ViewRequest) { r.Headers["X-Twilio-Signature"] = []string{""} },
		"no body at all": func(r *engine.ViewRequest) { r.Body = nil },
	} {
		for _, path := range []string{"answered", "pressed"} {
			if answer = ring(b, o, path, query, one, spoil); answer.Status != 403 {
				t.Errorf("%s, %s: got %d %s, want 403", path, name, answer.Status, answer.Body)
			}
		}
	}
	if o.acked != nil {
		t.Errorf("acknowledged %v", o.acked)
	}
	// Twilio signs an address with a port now with it, now without.
	proxied := func(r *engine.ViewRequest) {
		r.URL = strings.Replace(r.URL, "https://moon.example", "http://10.0.0.1:8080", 1)
	}
	if answer = ring(b, o, "answered", query, form, proxied); answer.Status != 200 {
		t.Errorf("behind a proxy: got %d %s", answer.Status, answer.Body)
	}
	for _, signed := range []string{"https://moon.example:8443", "https://moon.example"} {
		answer, err := b.plugin("twilio_call").View(t.Context(), &engine.ViewCall{
			PublicURL: "https://moon.example:8443", Settings: b.mustClean("twilio_call", engine.SettingsForm, "twilio_call", twilioSettings()), Monitor: o,
			Request: engine.ViewRequest{Method: "POST", URL: "https://moon.example:8443/plugins/twilio_call/answered", Path: "answered",
				Headers: map[string][]string{"X-Twilio-Signature": {sign("secret-token", signed+"/plugins/twilio_call/answered", nil)}}}})
		if err != nil || answer.Status != 200 {
			t.Errorf("signed for %s: got %+v, %v", signed, answer, err)
		}
	}
}
