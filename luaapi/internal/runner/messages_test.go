package runner

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"moonwatch/engine"
	"moonwatch/luaapi/host"
)

func TestMessagesOf(t *testing.T) {
	t.Parallel()
	post := func(body, kind string) *host.HTTPRequest {
		return &host.HTTPRequest{Method: "POST", URL: "https://x", Body: body, Header: http.Header{"Content-Type": {kind}, "Title": {"Shop"}}}
	}
	for _, c := range []struct {
		name string
		sent any
		want []engine.Message
	}{
		{"mail", &host.Mail{Subject: "CRITICAL", Text: "it is down, hush-hush"}, []engine.Message{{Title: "CRITICAL", Text: "it is down, ***"}}},
		{"chat", post(`{"channel":"#a","text":"Shop is down","attachments":[{"text":"front"}]}`, "application/json"), []engine.Message{{Text: "Shop is down"}}},
		{"deep", post(`{"request":{"id":"text","payload":{"summary":"Shop","custom":{"text":"why"}}}}`, "application/json"), []engine.Message{{Title: "Shop", Text: "why"}}},
		{"form", post("To=%2B1555&Body=Shop+is+down", "application/x-www-form-urlencoded"), []engine.Message{{Text: "Shop is down"}}},
		{"plain", post("is down", "text/plain"), []engine.Message{{Title: "Shop", Text: "is down"}}},
		{"program", &host.ExecRequest{Path: "/bin/x", Stdin: "is down"}, []engine.Message{{Text: "is down"}}},
		{"a login", post(`{"user":"a","password":"hush-hush"}`, "application/json"), nil},
		{"a question", &host.HTTPRequest{URL: "https://x", Body: "q"}, nil},
	} {
		clean := func(text string, most int) string { return strings.ReplaceAll(text, "hush-hush", "***") }
		if got := messagesOf([]any{c.sent, c.sent}, clean); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
}
