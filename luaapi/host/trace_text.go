package host

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// headerText writes a header in order of name; what is likely to be a secret is
// not written.
func headerText(header map[string][]string) string {
	names := make([]string, 0, len(header))
	for name := range header {
		names = append(names, name)
	}
	sort.Strings(names)
	var b strings.Builder
	for _, name := range names {
		values := []string{strings.Join(header[name], ", ")}
		switch {
		case strings.EqualFold(name, "Set-Cookie"): // a date in it holds a comma: each has its line
			values = nil
			for _, line := range header[name] {
				values = append(values, setCookieText(line))
			}
		case strings.EqualFold(name, "Cookie"):
			values[0] = cookieText(header[name])
		case isCredential(name):
			values[0] = "***"
		}
		for _, value := range values {
			b.WriteString(name + ": " + value + "\n")
		}
	}
	return b.String()
}

// cookieText writes the names of the cookies of a request.
func cookieText(lines []string) string {
	var shown []string
	for _, line := range lines {
		for _, pair := range strings.Split(line, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
			if strings.Trim(value, "=") == "" { // it may be a value without a name, and base64
				name = ""
			}
			shown = append(shown, maskedCookie(name))
		}
	}
	return strings.Join(shown, "; ")
}

// cookieAttributes are what a server says of a cookie beside its value.
var cookieAttributes = []string{"path", "domain", "expires", "max-age", "secure", "httponly", "samesite", "partitioned", "priority"}

// setCookieText writes the name and the attributes of a cookie that a server sets.
func setCookieText(line string) string {
	parts := strings.Split(line, ";")
	for i, part := range parts {
		part = strings.TrimSpace(part)
		name, _, named := strings.Cut(part, "=")
		switch {
		case i > 0 && slices.Contains(cookieAttributes, strings.ToLower(strings.TrimSpace(name))):
			parts[i] = part
		case named:
			parts[i] = maskedCookie(name)
		default:
			parts[i] = "***"
		}
	}
	return strings.Join(parts, "; ")
}

func maskedCookie(name string) string {
	if name = strings.TrimSpace(name); name == "" {
		return "***"
	}
	return name + "=***"
}

// readable writes out the bytes of a text that are not text.
func readable(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		lineEnd := r == '\r' && strings.HasPrefix(text[i:], "\r\n")
		switch {
		case r == utf8.RuneError && size == 1, r < utf8.RuneSelf && unicode.IsControl(r) && r != '\n' && r != '\t' && !lineEnd:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case unicode.IsControl(r) && r >= utf8.RuneSelf:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteString(text[i : i+size])
		}
		i += size
	}
	return b.String()
}

// quoted is text as people read it, on one line: line ends are written out, too.
func quoted(text string) string {
	return strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%q", text), `"`), `"`)
}
