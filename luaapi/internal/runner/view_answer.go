package runner

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"golang.org/x/net/http/httpguts"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/module"
	"moonwatch/luaapi/internal/vm"
	"moonwatch/luaapi/lualib"
)

// AnswerKeys are the keys of what a view returns, bodyKeys those of them that
// are its body.
func AnswerKeys() []string { return []string{"status", "headers", "body", "json", "html"} }
func bodyKeys() []string   { return []string{"body", "json", "html"} }

// withheld reports whether a header is not a view's to set: it would speak for
// the whole site (its logins, its policy) or for the connection.
func withheld(name string) bool {
	switch name {
	case "Set-Cookie", "Clear-Site-Data", "Content-Security-Policy", "Strict-Transport-Security", "X-Frame-Options",
		"X-Content-Type-Options", "Service-Worker-Allowed", "Access-Control-Allow-Credentials",
		"Connection", "Content-Length", "Transfer-Encoding", "Trailer", "Upgrade", "Keep-Alive", "Te":
		return true
	}
	return false
}

// readAnswer reads what a view returned, looking at its run meanwhile. The error
// completes "the view returned …".
func readAnswer(v lua.LValue, look func(steps int) error) (engine.ViewAnswer, error) {
	t, ok := v.(*lua.LTable)
	if !ok {
		return engine.ViewAnswer{}, fmt.Errorf("%s in place of a table { status, headers, body | json | html }", luaval.TypeName(v))
	}
	t = lualib.Reading(t)
	if err := onlyKeys(t, AnswerKeys()); err != nil {
		return engine.ViewAnswer{}, err
	}
	answer := engine.ViewAnswer{Status: http.StatusOK, Headers: map[string][]string{}}
	if status := t.RawGetString("status"); status != lua.LNil {
		n, ok := status.(lua.LNumber)
		if !ok || float64(n) != math.Trunc(float64(n)) || n < 200 || n > 599 {
			return answer, fmt.Errorf("a status that is no whole number from 200 to 599")
		}
		answer.Status = int(n)
	}
	kind, err := readBody(t, &answer, look)
	if err != nil {
		return answer, err
	}
	if err := readHeaders(t.RawGetString("headers"), &answer); err != nil {
		return answer, err
	}
	if _, given := answer.Headers["Content-Type"]; !given && kind != "" {
		answer.Headers["Content-Type"] = []string{kind}
	}
	return answer, nil
}

// onlyKeys complains about a key that is not among keys.
func onlyKeys(t *lua.LTable, keys []string) (err error) {
	t.ForEach(func(k, _ lua.LValue) {
		key := luaval.KeyText(k)
		if slices.Contains(keys, key) || err != nil {
			return
		}
		err = errors.New("a table with an unknown key " + key)
		if near := form.Nearest(key, keys); near != "" {
			err = errors.New(err.Error() + "; did you mean " + near + "?")
		}
	})
	return err
}

// readBody reads body, json or html, and returns the type of their content.
func readBody(t *lua.LTable, answer *engine.ViewAnswer, look func(steps int) error) (kind string, err error) {
	given := ""
	for _, key := range bodyKeys() {
		v := t.RawGetString(key)
		if v == lua.LNil {
			continue
		}
		if given != "" {
			return "", fmt.Errorf("both %s and %s", given, key)
		}
		given = key
		text, isText := luaval.TextOf(v)
		switch {
		case key == "json":
			if answer.Body, err = module.EncodeJSON(v, look); err != nil {
				return "", fmt.Errorf("json that cannot be written: %w", err)
			}
			kind = "application/json"
		case !isText:
			return "", fmt.Errorf("%s that is %s, not text", key, luaval.TypeName(v))
		default:
			answer.Body = []byte(text)
			kind = map[string]string{"body": "text/plain; charset=utf-8", "html": "text/html; charset=utf-8"}[key]
		}
	}
	if len(answer.Body) > vm.MaxBuilt {
		return "", fmt.Errorf("a %s of more than %d bytes", given, vm.MaxBuilt)
	}
	if answer.Status == http.StatusNoContent || answer.Status == http.StatusNotModified {
		if len(answer.Body) > 0 {
			return "", fmt.Errorf("a %s with the status %d, which has none", given, answer.Status)
		}
		kind = ""
	}
	return kind, nil
}

// readHeaders reads the headers: each value a text, or an array of texts.
func readHeaders(v lua.LValue, answer *engine.ViewAnswer) (err error) {
	if v == lua.LNil {
		return nil
	}
	t, ok := v.(*lua.LTable)
	if !ok {
		return fmt.Errorf("headers that are %s, not a table", luaval.TypeName(v))
	}
	lualib.Reading(t).ForEach(func(k, v lua.LValue) {
		key, isText := k.(lua.LString)
		name := textproto.CanonicalMIMEHeaderKey(string(key))
		switch {
		case err != nil:
		case !isText || !httpguts.ValidHeaderFieldName(name):
			err = fmt.Errorf("headers with a name that is none: %s", luaval.KeyText(k))
		case withheld(name):
			err = fmt.Errorf("the header %s, which is not a view's to set", name)
		default:
			answer.Headers[name], err = headerValues(name, v)
		}
	})
	return err
}

func headerValues(name string, v lua.LValue) ([]string, error) {
	items := []lua.LValue{v}
	if t, ok := v.(*lua.LTable); ok {
		items, t = items[:0], lualib.Reading(t)
		for i := 1; i <= t.Len(); i++ {
			items = append(items, t.RawGetInt(i))
		}
	}
	values := make([]string, len(items))
	for i, item := range items {
		text, ok := luaval.TextOf(item)
		if !ok || !httpguts.ValidHeaderFieldValue(text) {
			return nil, fmt.Errorf("the header %s with a value that is none", name)
		}
		values[i] = strings.TrimSpace(text)
	}
	return values, nil
}
