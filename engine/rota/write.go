package rota

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// WriteFeed writes shifts as an iCalendar feed. A shift's title is its Title,
// or its User where it has none; its UID stays the same from one writing to the
// next while start, user, title and the UID it comes from do. host makes the
// UIDs the monitor's own, now is the stamp of the writing.
func WriteFeed(w io.Writer, name string, shifts []Shift, host string, now time.Time) error {
	if _, after, ok := strings.Cut(host, "://"); ok { // a public URL will do
		host = after
	}
	host, _, _ = strings.Cut(host, "/")
	if host = strings.Map(inHost, host); host == "" {
		host = "moonwatch"
	}
	var f feedText
	f.line("BEGIN", "VCALENDAR")
	f.line("VERSION", "2.0")
	f.line("PRODID", "-//Moonwatch//Rota//EN")
	f.line("CALSCALE", "GREGORIAN")
	f.line("METHOD", "PUBLISH")
	f.line("NAME", escape(name))
	f.line("X-WR-CALNAME", escape(name))
	f.line("X-WR-TIMEZONE", "UTC")
	f.line("REFRESH-INTERVAL;VALUE=DURATION", "PT30M")
	f.line("X-PUBLISHED-TTL", "PT30M")
	for _, s := range sorted(slices.Clone(shifts)) {
		title := s.Title
		if title == "" {
			title = s.User
		}
		f.line("BEGIN", "VEVENT")
		f.line("UID", shiftID(s)+"@"+host)
		f.line("DTSTAMP", utcText(now))
		f.line("DTSTART", utcText(s.Start))
		f.line("DTEND", utcText(s.End))
		f.line("SUMMARY", escape(title))
		f.line("TRANSP", "TRANSPARENT")
		f.line("END", "VEVENT")
	}
	f.line("END", "VCALENDAR")
	if _, err := io.WriteString(w, f.String()); err != nil {
		return fmt.Errorf("write the calendar: %w", err)
	}
	return nil
}

func shiftID(s Shift) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{s.UID, s.User, s.Title, utcText(s.Start)}, "\x00")))
	return hex.EncodeToString(sum[:16])
}

func utcText(t time.Time) string { return t.UTC().Format("20060102T150405Z") }

// feedText gathers content lines.
type feedText struct{ strings.Builder }

// line writes one line, folded so that none is longer than 75 bytes and no
// character is torn.
func (f *feedText) line(name, value string) {
	rest, room := name+":"+value, 75
	for len(rest) > room {
		cut := room
		for !utf8.RuneStart(rest[cut]) {
			cut--
		}
		f.WriteString(rest[:cut] + "\r\n ")
		rest, room = rest[cut:], 74
	}
	f.WriteString(rest + "\r\n")
}

// escape writes a TEXT value.
func escape(text string) string {
	text = strings.ToValidUTF8(text, "�")
	text = strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\r\n", `\n`, "\n", `\n`, "\r", `\n`).Replace(text)
	return strings.Map(printable, text)
}

func inHost(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' || r == ':' {
		return r
	}
	return -1
}
