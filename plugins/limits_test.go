package plugins_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"moonwatch/engine"
)

// sent is one text as a receiver got it, and what the receiver takes.
type sent struct {
	what string
	text string
	most int
	unit func(string) int
	list bool // shows the failing checks, and says how many more there are
	bare bool // is shown as it stands: markup in it is none
}

func inBytes(s string) int      { return len(s) }
func inCharacters(s string) int { return utf8.RuneCountInString(s) }
func inUTF16(s string) int      { return len(utf16.Encode([]rune(s))) }

// limits says of each shipped alert plugin what its receiver takes and what is
// live there. A new plugin wants an entry.
type limits struct {
	texts func(t *testing.T, in received) []sent // of one request
	live  []string                               // regular expressions of what would be markup, a mention or a link
	user  func(i int) map[string]any             // a user's settings, so that they are mentioned
	keyed bool                                   // the incident's key goes along
}

// What the hostile names and errors below would become.
var (
	markdown = []string{`(?:^|[^\\])(?:\\\\)*\*bold`, "(?:^|[^\\\\])(?:\\\\\\\\)*`code", `(?:^|[^\\])(?:\\\\)*~~gone`, `(?:^|[^\\])(?:\\\\)*\[x(\\\\)*\](\\\\)*\(`, `(?:^|[^\\])(?:\\\\)*_it`}
	parted   = []string{`\*bold`, "`code", `~gone`, `_it_`, `~~gone`}
	mention  = []string{`@here`, `@channel`, `@everyone`, `@room`, `@all\b`, `@eve`}
	address  = []string{`https?://evil`}
)

func with2(lists ...[]string) []string { return slices.Concat(lists...) }

func field(t *testing.T, v any, path ...any) any {
	t.Helper()
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

func textOf(t *testing.T, v any, path ...any) string {
	t.Helper()
	s, _ := field(t, v, path...).(string)
	return s
}

func limitsOf() map[string]limits {
	id := func(i int) string { return strconv.Itoa(80351110224678912 + i) }
	push := func(most int, unit func(string) int) func(*testing.T, received) []sent {
		return func(t *testing.T, in received) []sent {
			body := decode(t, in.Body)
			return []sent{{"title", textOf(t, body, "title"), 250, unit, false, false}, {"message", textOf(t, body, "message"), most, unit, true, false}}
		}
	}
	chat := func(text, attachment int, bare bool) func(*testing.T, received) []sent {
		return func(t *testing.T, in received) []sent {
			body := decode(t, in.Body)
			return []sent{{"text", textOf(t, body, "text"), text, inCharacters, false, false},
				{"attachment", textOf(t, body, "attachments", 0, "text"), attachment, inCharacters, true, false},
				{"fallback", textOf(t, body, "attachments", 0, "fallback"), 2000, inCharacters, false, bare}}
		}
	}
	return map[string]limits{
		"discord": {live: with2(markdown, mention, []string{`\(CRITICAL\): [^\n]*https?://evil`, `(?:^|[^\\])<@9`, `(?:^|[^\\])<t:`, `:smile:`, `(?:^|[^\\])\|\|spoiler`}),
			user: func(i int) map[string]any { return map[string]any{"user_id": id(i)} },
			texts: func(t *testing.T, in received) []sent {
				body := decode(t, in.Body)
				title, text, runbook := textOf(t, body, "embeds", 0, "title"), textOf(t, body, "embeds", 0, "description"), textOf(t, body, "embeds", 0, "fields", 0, "value")
				return []sent{{"title", title, 256, inUTF16, false, false}, {"description", text, 4096, inUTF16, true, false}, {"field", runbook, 1024, inUTF16, false, false},
					{"embed", title + text + runbook + "Runbook", 6000, inUTF16, false, false}, {"content", textOf(t, body, "content"), 2000, inUTF16, false, false}}
			}},
		"slack": {live: with2(parted, mention, address, []string{`<!`, `<@UEVIL`, `<#C`, `#general`, `#1\b`, `:smile:`, `<b>`}), texts: chat(4000, 8000, false),
			user: func(i int) map[string]any { return map[string]any{"alias": fmt.Sprint("U", id(i))} }},
		"mattermost": {live: with2(markdown, mention, address, []string{`:smile:`, `(?:^|[^\\])(?:\\\\)*#general`, `~town`}), texts: chat(4000, 16383-4000, true),
			user: func(i int) map[string]any { return map[string]any{"username": fmt.Sprint("user-number-", i)} }},
		"rocketchat": {live: with2(parted, mention, address, []string{`\[x\]`, `:smile:`, `#general`}), texts: chat(1550, 5000-1550, false),
			user: func(i int) map[string]any { return map[string]any{"username": fmt.Sprint("user-number-", i)} }},
		"google_chat": {live: with2(parted, mention, address, []string{`<users/all`, `<https?://evil`}), keyed: true,
			user: func(i int) map[string]any { return map[string]any{"user_id": id(i)} },
			texts: func(t *testing.T, in received) []sent {
				return []sent{{"text", textOf(t, decode(t, in.Body), "text"), 4096, inBytes, true, false}}
			}},
		"teams": {live: with2(markdown, address, []string{`<at>eve`, `&lt;`, `\{\{DATE`, `<b>`}),
			user: func(i int) map[string]any {
				return map[string]any{"upn": strings.Repeat("a", 150) + strconv.Itoa(i) + "@example.org"}
			},
			texts: func(t *testing.T, in received) []sent {
				content := field(t, decode(t, in.Body), "attachments", 0, "content")
				blocks, _ := field(t, content, "body").([]any)
				lines := []string{}
				for _, b := range blocks {
					if text := textOf(t, b, "text"); !strings.HasPrefix(text, "<at>") {
						lines = append(lines, text)
					}
				}
				if n := inBytes(in.Body); n > 28<<10 {
					t.Errorf("the request has %d bytes", n)
				}
				if n := 2 * inUTF16(in.Body); n > 28<<10 {
					t.Errorf("the request has %d bytes as UTF-16", n)
				}
				return []sent{
					{"blocks", strings.Join(lines, "\n"), 28 << 10, inBytes, true, false}, {"fallback", textOf(t, content, "fallbackText"), 4000, inBytes, false, false}}
			}},
		"telegram": {user: func(i int) map[string]any { return map[string]any{"alias": id(i)} }, texts: func(t *testing.T, in received) []sent {
			text := textOf(t, decode(t, in.Body), "text")
			plain := onlyMarkup(t, text, `<(b|/b|code|/code|/a|a href="([^"<>]*)")>`, "https://moon.example/", "https://wiki.example/", "tg://user?id=")
			// What is neither in a link nor in code is looked through for mentions and addresses.
			loose := regexp.MustCompile(`(?s)<code>.*?</code>|<a .*?</a>`).ReplaceAllString(text, "")
			loose = regexp.MustCompile(`</?b>`).ReplaceAllString(loose, "")
			if found := regexp.MustCompile(`[@#/][A-Za-z]|evil\.example`).FindString(loose); found != "" {
				t.Errorf("%q is live in %q", found, loose)
			}
			return []sent{{"text", plain, 4096, inUTF16, true, false}}
		}},
		"matrix": {live: with2(mention, address, []string{`#general`}), user: func(i int) map[string]any { return map[string]any{"user_id": "@" + id(i) + ":example.org"} },
			texts: func(t *testing.T, in received) []sent {
				body := decode(t, in.Body)
				page := onlyMarkup(t, textOf(t, body, "formatted_body"), `<(/?(b|p|ul|li)|/a|a href="([^"<>]*)")>`, "https://moon.example/", "https://wiki.example/", "https://matrix.to/#/%40803")
				return []sent{{"event", in.Body, 60 << 10, inBytes, false, false}, {"body", textOf(t, body, "body"), 60 << 10, inBytes, true, false}, {"page", page, 60 << 10, inBytes, true, false}}
			}},
		"ntfy":   {texts: push(4096, inBytes), user: func(i int) map[string]any { return map[string]any{"topic": id(i)} }},
		"gotify": {texts: push(8000, inBytes)},
		"pushover": {texts: func(t *testing.T, in received) []sent {
			_, form := formOf(t, in)
			return []sent{{"title", form.Get("title"), 250, inCharacters, false, false}, {"message", form.Get("message"), 1024, inCharacters, true, false}, {"url", form.Get("url"), 512, inCharacters, false, false}}
		}},
		"opsgenie": {keyed: true, texts: func(t *testing.T, in received) []sent {
			body := decode(t, in.Body)
			out := []sent{{"message", textOf(t, body, "message"), 130, inUTF16, false, false}, {"entity", textOf(t, body, "entity"), 512, inUTF16, false, false}, {"note", textOf(t, body, "note"), 25000, inUTF16, false, false}}
			if text := textOf(t, body, "description"); text != "" {
				out = append(out, sent{"description", text, 15000, inUTF16, true, false})
			}
			return out
		}},
		"pagerduty": {keyed: true, texts: func(t *testing.T, in received) []sent {
			body := decode(t, in.Body)
			if body["payload"] == nil {
				return nil
			}
			details := field(t, body, "payload", "custom_details")
			failing, _ := field(t, details, "failing").(map[string]any)
			var lines []string
			for name := range failing {
				lines = append(lines, name)
			}
			return []sent{{"event", in.Body, 512 << 10, inBytes, false, false}, {"summary", textOf(t, body, "payload", "summary"), 1024, inUTF16, true, false},
				{"details", strings.Join(append(lines, textOf(t, details, "more")), "\n"), 512 << 10, inBytes, true, false}}
		}},
		"alerta": {keyed: true, live: []string{`<b>`, `<a `}, texts: func(t *testing.T, in received) []sent {
			if in.Method != "POST" {
				return []sent{{"text", textOf(t, decode(t, in.Body), "text"), 1010, inUTF16, false, true}}
			}
			return []sent{{"text", textOf(t, decode(t, in.Body), "text"), 4000, inUTF16, true, false}}
		}},
		"twilio_sms": {user: func(i int) map[string]any { return nil }, texts: func(t *testing.T, in received) []sent {
			_, form := formOf(t, in)
			return []sent{{"Body", form.Get("Body"), 480, inUTF16, true, false}}
		}},
		"twilio_call": {texts: func(t *testing.T, in received) []sent {
			_, form := formOf(t, in)
			return []sent{{"Twiml", form.Get("Twiml"), 4000, inCharacters, false, false}}
		}},
		"webhook": {keyed: true, texts: func(t *testing.T, in received) []sent {
			checks, _ := field(t, decode(t, in.Body), "failing_checks").([]any)
			var names []string
			for _, c := range checks {
				names = append(names, textOf(t, c, "name"))
			}
			return []sent{{"checks", strings.Join(names, "\n"), 1 << 20, inBytes, true, false}}
		}},
	}
}

// onlyMarkup holds that text has no marks but those that are allowed, and links to
// no other places; it returns the text.
func onlyMarkup(t *testing.T, text, allowed string, places ...string) string {
	t.Helper()
	marks := regexp.MustCompile(allowed)
	for _, m := range marks.FindAllStringSubmatch(text, -1) {
		if to := m[len(m)-1]; strings.HasPrefix(m[1], "a ") && !slices.ContainsFunc(places, func(place string) bool { return strings.HasPrefix(to, place) }) {
			t.Errorf("a link to %q", to)
		}
	}
	if rest := marks.ReplaceAllString(text, ""); strings.ContainsAny(rest, "<>") {
		t.Errorf("marks that are not ours in %q", rest)
	}
	return text
}

// hostile is what names and errors are made of.
var hostile = []string{
	"@here", "@channel", "@everyone", "<!here>", "<!channel>", "<@UEVIL1>", "<@912345678901234567>", "<#C123|x>", "<users/all>", "<at>eve</at>", "@room", "@all", "@eve:evil.example", "@eve",
	"*bold*", "_it_", "~gone~", "~~gone~~", "`code`", "```code```", "[x](https://evil.example)", "<https://evil.example|x>", `<a href="https://evil.example">x</a>`, "<b>x</b>", "</b>", "&lt;b&gt;", "&#60;",
	"#general", "#1", ":smile:", "https://evil.example/a_b", "http://evil.example", "|", ">", "||spoiler||", "{{DATE(0)}}", "<t:1:R>", `\`, `"`, "'", "%", "$x$", "~town-square", "/stop", "(", ")", "]",
	"日本語の名前", "監視対象サーバー", "👩‍👩‍👧‍👦", "👍🏽", "🇩🇪", "é", "שלום", "مرحبا", "\u202e", "\u2066", "\n", "\r\n", "\t", "\x00", "\x1b[31m", "\u2028", "\xff", "\xf0\x9f", "plain", " ", "error 500",
}

func hostileText(random *rand.Rand, parts int) string {
	var b strings.Builder
	for range parts {
		b.WriteString(hostile[random.IntN(len(hostile))])
		if random.IntN(3) > 0 {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// hostileEvent is an event whose texts are hostile; every failing check's name
// begins with a number of its own.
func hostileEvent(random *rand.Rand, kind engine.AlertKind, failing int) engine.AlertSnapshot {
	status := engine.StatusCritical
	if kind == engine.AlertRecovery {
		status, failing = engine.StatusPassing, 0
	}
	s := of(kind, status)
	s.Name = "S " + hostileText(random, 1+random.IntN(60))
	s.RunbookLink = []string{"", "https://wiki.example/a|b>c)d<e\"f g*_~", "https://wiki.example/" + strings.Repeat("x", 3000)}[random.IntN(3)]
	if kind == engine.AlertAcknowledged {
		s.Acknowledgement = &engine.AcknowledgementSnapshot{User: hostileText(random, 2), Comment: hostileText(random, 100), At: s.EventAt}
	}
	s.Failing = nil
	for i := range failing {
		c := engine.CheckRecord{ID: fmt.Sprint("c", i), Name: fmt.Sprintf("n%03d %s", i, hostileText(random, random.IntN(25))), Plugin: "http", Importance: status, Severity: status,
			Error: hostileText(random, random.IntN(60)), Since: s.EventAt, PageURL: fmt.Sprintf("https://moon.example/checks/c%d", i)}
		if random.IntN(4) == 0 {
			c.RunbookLink, c.PageURL = "https://wiki.example/x|y>z)", ""
		}
		s.Failing = append(s.Failing, c)
	}
	return s
}

var (
	bareMentions = []*regexp.Regexp{regexp.MustCompile(strings.Join(mention, "|"))}
	numbered     = regexp.MustCompile(`\bn(\d\d\d)\b`)
	moreText     = regexp.MustCompile(`(?:^|\n|<li>|, |: )… and (\d+) more`)
)

// checkSent holds one text against what its receiver takes.
func checkSent(t *testing.T, s sent, live []*regexp.Regexp, failing int) {
	t.Helper()
	if n := s.unit(s.text); n > s.most {
		t.Errorf("%s: %d of %d", s.what, n, s.most)
	}
	if !utf8.ValidString(s.text) {
		t.Errorf("%s is no UTF-8", s.what)
	}
	if s.bare && len(live) > 0 && s.what == "fallback" {
		live = bareMentions
	} else if s.bare {
		live = nil
	}
	for _, re := range live {
		if found := re.FindString(s.text); found != "" {
			t.Errorf("%s: %q is live in %q", s.what, found, s.text)
		}
	}
	if !s.list {
		return
	}
	shown := map[string]bool{}
	for _, m := range numbered.FindAllStringSubmatch(s.text, -1) {
		shown[m[1]] = true
	}
	more := 0
	if m := moreText.FindAllStringSubmatch(s.text, -1); len(m) > 0 {
		more, _ = strconv.Atoi(m[len(m)-1][1])
	}
	if len(shown)+more != failing {
		t.Errorf("%s shows %d checks of %d, and says that there are %d more: %q", s.what, len(shown), failing, more, s.text)
	}
}

// TestReceiversLimits holds for every alert plugin that ships that what its
// receiver gets is within the receiver's limits in the receiver's unit, valid, and
// free of markup, mentions and links from names and errors, whatever they hold;
// what is left out is counted.
func TestReceiversLimits(t *testing.T) {
	all, base := limitsOf(), willing()
	for _, e := range newBench(t, nil).list() {
		if e.Plugin == nil || e.Plugin.Meta().Kind != engine.AlertPlugin || e.Slug == "email" || e.Slug == "command" {
			continue // these two have tests of their own, below
		}
		l, ok := all[e.Slug]
		if _, sends := base[e.Slug]; !ok || !sends {
			t.Errorf("%s has no limits here: say what its receiver takes, and settings with which it sends", e.Slug)
			continue
		}
		t.Run(e.Slug, func(t *testing.T) {
			t.Parallel()
			live := make([]*regexp.Regexp, len(l.live))
			for i, text := range l.live {
				live[i] = regexp.MustCompile(text)
			}
			random := rand.New(rand.NewPCG(24, uint64(len(e.Slug))))
			b, receiver := newReceiver(t, welcome(e.Slug))
			kinds := []engine.AlertKind{engine.AlertFiring, engine.AlertEscalation, engine.AlertRepeat, engine.AlertAcknowledged, engine.AlertTest, engine.AlertUpdate, engine.AlertRecovery, engine.AlertFiring}
			for i, failing := range []int{1, 2, 5, 200, 12, 40, 1, 100} {
				a := base[e.Slug]
				a.event = hostileEvent(random, kinds[i], failing)
				a.update = isUpdate(a.event.Kind) && b.plugin(e.Slug).Meta().HasUpdate
				if l.user != nil {
					for n := range 60 * (i % 2) {
						user := b.user(e.Slug, fmt.Sprint("user", n), l.user(n))
						user.Username = fmt.Sprint("user", n)
						a.users = append(a.users, user)
					}
				}
				if strings.HasPrefix(e.Slug, "twilio_") {
					a.users = []engine.UserSnapshot{b.user("twilio_call", "ada", map[string]any{"phone_number": "+442071838750"})}
					a.officers = a.users
				}
				receiver.answer(welcome(e.Slug))
				if got, _ := b.send(e.Slug, a); got.Outcome != engine.OutcomeSent && got.Outcome != engine.OutcomeSkipped {
					t.Fatalf("%s with %d checks: got %+v", kinds[i], failing, got)
				}
				for _, in := range receiver.requests() {
					if !utf8.ValidString(in.Body) || strings.HasPrefix(in.Header.Get("Content-Type"), "application/json") && !json.Valid([]byte(in.Body)) {
						t.Fatalf("not valid: %q", in.Body)
					}
					if l.keyed && !strings.HasSuffix(in.Path, "/action") && !strings.Contains(in.Body+in.URL, a.event.IncidentKey) {
						t.Errorf("%s: the incident's key is not in %s %q", kinds[i], in.URL, in.Body)
					}
					for _, s := range l.texts(t, in) {
						count := len(a.event.Failing)
						if kinds[i] == engine.AlertAcknowledged && s.text == "" {
							continue
						}
						checkSent(t, s, live, count)
					}
				}
			}
		})
	}
}

// TestMailLimits holds the same of letters: header lines that servers take, and no
// marks or links in the HTML part but ours.
func TestMailLimits(t *testing.T) {
	t.Parallel()
	b, server := newBench(t, nil), newMailServer(t)
	random := rand.New(rand.NewPCG(24, 5))
	for i, failing := range []int{1, 5, 200} {
		event := hostileEvent(random, engine.AlertFiring, failing)
		a := alert{event: event, users: []engine.UserSnapshot{b.user("email", "ada", nil)},
			settings: map[string]any{"host": "127.0.0.1", "port": server.port, "security": "none", "from": "moon@example.org"}}
		if got, _ := b.send("email", a); got.Outcome != engine.OutcomeSent {
			t.Fatalf("got %+v", got)
		}
		text := server.taken()[i].text
		head, _, _ := strings.Cut(text, "\n\n")
		for line := range strings.SplitSeq(head, "\n") {
			if len(line) > 998 {
				t.Errorf("a line of the header has %d bytes", len(line))
			}
		}
		header, plain, page := parts(t, text)
		if !strings.Contains(header.Get("Message-Id"), event.IncidentKey) {
			t.Errorf("Message-ID %q", header.Get("Message-Id"))
		}
		onlyMarkup(t, page, `<(/?(b|p|ul|li)|/a|a href="([^"<>]*)")>`, "https://moon.example/", "https://wiki.example/")
		checkSent(t, sent{"text", plain, 300 << 10, inBytes, true, false}, nil, failing)
		checkSent(t, sent{"page", page, 300 << 10, inBytes, true, false}, nil, failing)
	}
}

// TestCommandLimits holds that a program is run whatever names hold, and how many
// there are: no variable is longer than the system takes, or of several lines.
func TestCommandLimits(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "out")
	b, path := newCommand(t, `printf '%s' "$FAILING_CHECKS" >`+out+`; test "$INCIDENT_KEY" = inc-7`)
	random := rand.New(rand.NewPCG(24, 7))
	event := hostileEvent(random, engine.AlertFiring, 200)
	for i := range event.Failing {
		event.Failing[i].Name += strings.Repeat("名前", 400)
	}
	got, _ := b.send("command", alert{event: event, service: map[string]any{"command": path, "time_limit": "30s"}})
	if got.Outcome != engine.OutcomeSent {
		t.Fatalf("got %+v", got)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	checkSent(t, sent{"FAILING_CHECKS", strings.ToValidUTF8(string(text), "?"), 128 << 10, inBytes, true, false}, nil, 200)
	if lines := strings.Count(string(text), "\n") + 1; lines > 201 {
		t.Errorf("%d lines for 200 checks", lines)
	}
}
