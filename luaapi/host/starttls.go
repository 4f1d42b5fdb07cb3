package host

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
)

// startTLS asks the server at the other end of conn, in the words of its
// protocol, to begin TLS. An empty protocol needs no words.
func startTLS(conn net.Conn, protocol string) error {
	// Nothing may be read beyond the answer: a small buffer over a reader that
	// gives one byte at a time leaves the handshake on the wire.
	d := dialogue{conn: conn, lines: bufio.NewReaderSize(oneByte{conn}, 16)}
	switch protocol {
	case "":
		return nil
	case "smtp":
		return d.smtp()
	case "imap":
		return d.imap()
	case "pop3":
		return d.pop3()
	case "ftp":
		return d.ftp()
	case "postgresql":
		return d.postgresql()
	}
	return &Error{Invalid, "starttls must be smtp, imap, pop3, ftp or postgresql, got " + given(protocol)}
}

// dialogue is the plain part of a connection.
type dialogue struct {
	conn  net.Conn
	lines *bufio.Reader
}

// maxDialogue bounds a line and the number of lines of an answer.
const maxDialogue = 1000

// line reads one line without its end.
func (d *dialogue) line() (string, error) {
	var b strings.Builder
	for b.Len() < maxDialogue {
		c, err := d.lines.ReadByte()
		if err != nil {
			return "", err
		}
		if c == '\n' {
			return strings.TrimSuffix(b.String(), "\r"), nil
		}
		b.WriteByte(c)
	}
	return "", &Error{Protocol, "the server's greeting has a line that is too long"}
}

func (d *dialogue) say(format string, args ...any) error {
	_, err := fmt.Fprintf(d.conn, format, args...)
	return err
}

// refused is what a server says that does not serve us at all.
func (*dialogue) refused(line string) error {
	return &Error{Refused, "the server refuses the connection: " + plainLine(line)}
}

// withoutTLS is what a server says that serves, but not under TLS.
func (*dialogue) withoutTLS(line string) error {
	return &Error{Protocol, "the server does not offer TLS: " + plainLine(line)}
}

func (*dialogue) foreign(protocol, line string) error {
	return &Error{Protocol, "the server does not speak " + protocol + ": " + plainLine(line)}
}

// reply reads a reply of SMTP or FTP. One of several lines begins "220-" and
// ends with the line that begins "220 ", whatever numbers stand between them.
func (d *dialogue) reply(protocol string) (code, last string, err error) {
	if last, err = d.line(); err != nil {
		return "", "", err
	}
	if !startsWithCode(last) {
		return "", "", d.foreign(protocol, last)
	}
	if code = last[:3]; !strings.HasPrefix(last[3:], "-") {
		return code, last, nil
	}
	for range maxDialogue {
		if last, err = d.line(); err != nil {
			return "", "", err
		}
		if last == code || strings.HasPrefix(last, code+" ") {
			return code, last, nil
		}
	}
	return "", "", &Error{Protocol, "the server's greeting does not end"}
}

// startsWithCode reports whether a line begins with three digits that stand alone.
func startsWithCode(line string) bool {
	return len(line) >= 3 && strings.Trim(line[:3], "0123456789") == "" && (len(line) == 3 || line[3] == ' ' || line[3] == '-')
}

// greeting reads the first reply of SMTP or FTP. FTP may ask for patience first.
func (d *dialogue) greeting(protocol string) error {
	code, last, err := d.reply(protocol)
	for err == nil && code == "120" {
		code, last, err = d.reply(protocol)
	}
	if err == nil && code != "220" {
		return d.refused(last)
	}
	return err
}

// ask sends a command and wants a code for an answer. 421 announces that the
// server closes the connection, for reasons of its own.
func (d *dialogue) ask(protocol, command, want string) error {
	if err := d.say("%s\r\n", command); err != nil {
		return err
	}
	code, last, err := d.reply(protocol)
	switch {
	case err != nil || code == want:
		return err
	case code == "421":
		return d.refused(last)
	}
	return d.withoutTLS(last)
}

func (d *dialogue) smtp() error {
	if err := d.greeting("SMTP"); err != nil {
		return err
	}
	if err := d.say("EHLO moonwatch\r\n"); err != nil {
		return err
	}
	code, last, err := d.reply("SMTP")
	if err != nil {
		return err
	}
	if code != "250" && !strings.HasPrefix(code, "50") { // 50x: it knows no extensions
		return d.refused(last)
	}
	return d.ask("SMTP", "STARTTLS", "220")
}

func (d *dialogue) ftp() error {
	if err := d.greeting("FTP"); err != nil {
		return err
	}
	return d.ask("FTP", "AUTH TLS", "234")
}

// imap reads untagged lines as they come: "* BYE" is a refusal wherever it stands.
func (d *dialogue) imap() error {
	greeting, err := d.line()
	if err != nil {
		return err
	}
	switch status := imapStatus(greeting, "* "); status {
	case "OK":
	case "PREAUTH":
		return d.withoutTLS(greeting)
	case "BYE":
		return d.refused(greeting)
	default:
		return d.foreign("IMAP", greeting)
	}
	if err := d.say("a1 STARTTLS\r\n"); err != nil {
		return err
	}
	for range maxDialogue {
		line, err := d.line()
		if err != nil {
			return err
		}
		switch {
		case imapStatus(line, "* ") == "BYE":
			return d.refused(line)
		case imapStatus(line, "a1 ") == "OK":
			return nil
		case strings.HasPrefix(line, "a1 "):
			return d.withoutTLS(line[len("a1 "):])
		}
	}
	return &Error{Protocol, "the server's greeting does not end"}
}

// imapStatus is the word behind a tag.
func imapStatus(line, tag string) string {
	rest, ok := strings.CutPrefix(line, tag)
	if !ok {
		return ""
	}
	word, _, _ := strings.Cut(rest, " ")
	return strings.ToUpper(word)
}

func (d *dialogue) pop3() error {
	for i, word := range []string{"", "STLS\r\n"} {
		if err := d.say("%s", word); err != nil {
			return err
		}
		line, err := d.line()
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(line, "+OK"):
		case !strings.HasPrefix(line, "-ERR"):
			return d.foreign("POP3", line)
		case i == 0:
			return d.refused(line)
		default:
			return d.withoutTLS(line)
		}
	}
	return nil
}

func (d *dialogue) postgresql() error {
	if err := d.say("\x00\x00\x00\x08\x04\xd2\x16\x2f"); err != nil {
		return err
	}
	c, err := d.lines.ReadByte()
	switch {
	case err != nil:
		return err
	case c == 'S':
		return nil
	case c == 'N':
		return &Error{Protocol, "the server does not offer TLS"}
	case c == 'E':
		return d.refused(d.postgresError())
	}
	return &Error{Protocol, "the server does not speak PostgreSQL"}
}

// postgresError reads the text of an error: fields of a letter and a text each,
// or what servers before version 3 send, a text alone.
func (d *dialogue) postgresError() string {
	var text []byte
	for len(text) < maxDialogue {
		c, err := d.lines.ReadByte()
		if err != nil {
			break
		}
		text = append(text, c)
		if n := len(text); c == 0 && n > 4 && (text[0] != 0 || text[n-2] == 0) {
			break
		}
	}
	if len(text) <= 4 || text[0] != 0 {
		return strings.TrimRight(string(text), "\x00\r\n")
	}
	var severity, message string
	for _, field := range strings.Split(string(text[4:]), "\x00") {
		switch {
		case strings.HasPrefix(field, "S"):
			severity = field[1:] + ": "
		case strings.HasPrefix(field, "M"):
			message = field[1:]
		}
	}
	return severity + message
}

// plainLine makes a line of a server fit to be shown.
func plainLine(line string) string {
	return cut(strings.ToValidUTF8(line, "\uFFFD"), 200)
}

// oneByte reads single bytes.
type oneByte struct{ r io.Reader }

func (o oneByte) Read(p []byte) (int, error) {
	if len(p) > 1 {
		p = p[:1]
	}
	return o.r.Read(p)
}
