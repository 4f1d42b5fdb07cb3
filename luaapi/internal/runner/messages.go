package runner

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"moonwatch/engine"
	"moonwatch/luaapi/host"
)

// What people read of an alert is found in what was sent: it is kept with the
// delivery, so that they can look at it later.

// The bounds of what is kept of one attempt, in messages and runes.
const (
	maxMessages     = 3
	maxMessageTitle = 300
	maxMessageText  = 4000
)

// messagesOf finds the messages in what an alert sent, each as it was written;
// clean masks secrets and cuts to a length. What is no message anybody reads, such
// as a login, is left out.
func messagesOf(sent []any, clean func(text string, most int) string) (out []engine.Message) {
	for _, one := range sent {
		m := messageOf(one)
		if m == (engine.Message{}) || len(out) == maxMessages {
			continue
		}
		m.Title, m.Text = clean(m.Title, maxMessageTitle), clean(m.Text, maxMessageText)
		if !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	return out
}

func messageOf(sent any) engine.Message {
	switch s := sent.(type) {
	case *host.Mail:
		return engine.Message{Title: s.Subject, Text: cmp.Or(s.Text, s.HTML)}
	case *host.ExecRequest:
		return engine.Message{Text: s.Stdin}
	case *host.HTTPRequest:
		if s.Body == "" || s.Method == "" || s.Method == http.MethodGet {
			return engine.Message{}
		}
		return messageOfBody(s)
	}
	return engine.Message{}
}

// titleKeys and textKeys are how receivers call what people read, the most telling
// first.
func titleKeys() []string { return []string{"title", "subject", "summary"} }

func textKeys() []string {
	return []string{"message", "text", "body", "content", "description", "plain", "html"}
}

func messageOfBody(r *host.HTTPRequest) engine.Message {
	var document any
	if json.Unmarshal([]byte(r.Body), &document) == nil {
		if object, ok := document.(map[string]any); ok {
			return engine.Message{Title: textIn(object, titleKeys()), Text: textIn(object, textKeys())}
		}
		return engine.Message{}
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form, err := url.ParseQuery(r.Body)
		object := map[string]any{}
		for name, values := range form {
			object[name] = strings.Join(values, "\n")
		}
		if err != nil {
			return engine.Message{}
		}
		return engine.Message{Title: textIn(object, titleKeys()), Text: textIn(object, textKeys())}
	}
	return engine.Message{Title: cmp.Or(r.Header.Get("Title"), r.Header.Get("X-Title")), Text: r.Body}
}

// textIn finds the first text under one of the keys, in capitals or not: what
// stands higher in the object goes before what stands deeper.
func textIn(object map[string]any, keys []string) string {
	level := []any{object}
	for depth := 0; depth < 8 && len(level) > 0; depth++ {
		var next []any
		for _, key := range keys {
			for _, one := range level {
				if text := textAt(one, key); text != "" {
					return text
				}
			}
		}
		for _, one := range level {
			next = append(next, within(one)...)
		}
		level = next
	}
	return ""
}

func textAt(one any, key string) string {
	object, _ := one.(map[string]any)
	for name, value := range object {
		if text, ok := value.(string); ok && strings.EqualFold(name, key) && text != "" {
			return text
		}
	}
	return ""
}

// within are the objects and lists in a value, in a fixed order.
func within(one any) (out []any) {
	switch v := one.(type) {
	case []any:
		return v
	case map[string]any:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			switch v[name].(type) {
			case map[string]any, []any:
				out = append(out, v[name])
			}
		}
	}
	return out
}
