package form

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MinStarred is the length, in bytes, from which a secret is masked: shorter ones
// would blot out half of every text.
const MinStarred = 6

// minPart is how much of a secret is masked where a text was cut within it.
const minPart = 4

// Stars put three stars in place of secrets in texts. The zero value knows none; it
// belongs to one goroutine.
type Stars struct {
	secrets []string
	forms   []string // of the secrets, in which they are looked for; made when they are needed
	formed  int      // of the secrets
}

// Add has further secrets masked. Those that are too short are left out.
func (m *Stars) Add(secrets ...string) {
	for _, s := range secrets {
		if len(s) >= MinStarred {
			m.secrets = append(m.secrets, s)
		}
	}
}

// Text returns text with stars in place of every secret: as it is, and as it is
// written in a Go, Lua or JSON string, in a URL, in HTML or XML and within
// base64. The beginning of a secret is masked, too, where "…" says that the text
// was cut. To be cut further, a text is masked first.
func (m *Stars) Text(text string) string {
	if len(m.secrets) == 0 || text == "" {
		return text
	}
	if m.formed < len(m.secrets) {
		m.forms, m.formed = formsOf(m.secrets), len(m.secrets)
	}
	var found []stretch
	for _, form := range m.forms {
		for at := 0; ; {
			i := strings.Index(text[at:], form)
			if i < 0 {
				break
			}
			found = append(found, stretch{at + i, at + i + len(form)})
			at += i + len(form)
		}
	}
	for at := 0; ; {
		i := strings.Index(text[at:], "…")
		if i < 0 {
			break
		}
		if start := m.part(text[:at+i]); start < at+i {
			found = append(found, stretch{start, at + i})
		}
		at += i + len("…")
	}
	if found == nil {
		return text
	}
	return starred(text, found)
}

// Within reports whether text, of four bytes or more, stands within a secret or
// holds one: what a parser has taken out of a text may be a piece of a secret
// that Text does not know.
func (m *Stars) Within(text string) bool {
	if len(text) < minPart {
		return false
	}
	for _, secret := range m.secrets {
		if strings.Contains(secret, text) || strings.Contains(text, secret) {
			return true
		}
	}
	return m.Text(text) != text
}

// part returns where the beginning of a secret begins with which text ends, else
// the length of text. A character that was cut within counts as part of it.
func (m *Stars) part(text string) int {
	end := strings.TrimRight(strings.TrimRightFunc(text, func(r rune) bool { return r == utf8.RuneError }), `\`)
	if i := strings.LastIndex(end, `\x`); i >= 0 && len(end)-i <= 4 {
		end = strings.TrimRight(end[:i], `\`)
	}
	start := len(text)
	for _, form := range m.forms {
		for n := min(len(form)-1, len(end)); n >= minPart; n-- {
			if strings.HasSuffix(end, form[:n]) {
				start = min(start, len(end)-n)
				break
			}
		}
	}
	return start
}

// stretch is text[from:to].
type stretch struct{ from, to int }

// starred writes stars in place of what was found, once for stretches that overlap.
func starred(text string, found []stretch) string {
	slices.SortFunc(found, func(a, b stretch) int { return a.from - b.from })
	var b strings.Builder
	end := 0
	for i, s := range found {
		if i == 0 || s.from >= end {
			b.WriteString(text[end:s.from])
			b.WriteString("***")
		}
		end = max(end, s.to)
	}
	b.WriteString(text[end:])
	return b.String()
}

// formsOf lists the forms that secrets take in texts, each once, the longest first.
func formsOf(secrets []string) []string {
	var all []string
	for _, s := range secrets {
		valid := strings.ToValidUTF8(s, "\uFFFD")
		asJSON, _ := json.Marshal(s)
		validJSON, _ := json.Marshal(valid)
		one := []string{
			s, valid,
			inside(strconv.Quote(s)), inside(strconv.Quote(valid)), inside(strconv.QuoteToASCII(s)),
			luaQuoted.Replace(s),
			inside(string(asJSON)), inside(string(validJSON)), jsonQuoted.Replace(valid),
			url.QueryEscape(s), url.PathEscape(s), strings.TrimPrefix(url.UserPassword("", s).String(), ":"),
			strings.ReplaceAll(url.QueryEscape(s), "+", "%20"),
			html.EscapeString(s), xmlQuoted.Replace(s),
		}
		// What stands before a secret decides how its bytes fall into base64's groups.
		for before := range 3 {
			const any = "\x00\x00\x00"
			text := base64.RawStdEncoding.EncodeToString([]byte(any[:before] + s))
			text = text[(before*8+5)/6 : (before+len(s))*8/6]
			one = append(one, text, strings.NewReplacer("+", "-", "/", "_").Replace(text))
		}
		for _, form := range one {
			if len(form) >= MinStarred {
				all = append(all, form)
			}
		}
	}
	slices.SortFunc(all, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	return slices.Compact(all)
}

func inside(quoted string) string { return quoted[1 : len(quoted)-1] }

var (
	luaQuoted  = strings.NewReplacer(`"`, `\"`, `\`, `\\`, "\n", "\\\n", "\r", `\r`, "\x00", `\000`)
	jsonQuoted = strings.NewReplacer(`"`, `\"`, `\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`)
	xmlQuoted  = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;")
)
