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
	return &Error{Invalid, "starttls must be smtp, imap, pop3, ftp or postgresql, got " + cut(protocol, 20)}
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

// reply reads a reply of SMTP or FTP ("250-…", "250 …") and wants its code.
func (d *dialogue) reply(code string) error {
	for range maxDialogue {
		line, err := d.line()
		if err != nil {
			return err
		}
		if len(line) >= 4 && line[3] == '-' || !startsWithCode(line) {
			continue
		}
		if !strings.HasPrefix(line, code) {
			return &Error{Protocol, "the server does not offer TLS: " + plainLine(line)}
		}
		return nil
	}
	return &Error{Protocol, "the server's greeting does not end"}
}

func startsWithCode(line string) bool {
	return len(line) >= 3 && strings.Trim(line[:3], "0123456789") == ""
}

func (d *dialogue) say(format string, args ...any) error {
	_, err := fmt.Fprintf(d.conn, format, args...)
	return err
}

func (d *dialogue) smtp() error {
	if err := d.reply("220"); err != nil {
		return err
	}
	if err := d.say("EHLO moonwatch\r\n"); err != nil {
		return err
	}
	if err := d.reply("250"); err != nil {
		return err
	}
	if err := d.say("STARTTLS\r\n"); err != nil {
		return err
	}
	return d.reply("220")
}

func (d *dialogue) ftp() error {
	if err := d.reply("220"); err != nil {
		return err
	}
	if err := d.say("AUTH TLS\r\n"); err != nil {
		return err
	}
	return d.reply("234")
}

func (d *dialogue) imap() error {
	if _, err := d.line(); err != nil {
		return err
	}
	if err := d.say("a1 STARTTLS\r\n"); err != nil {
		return err
	}
	for range maxDialogue {
		line, err := d.line()
		if err != nil {
			return err
		}
		if status, ok := strings.CutPrefix(line, "a1 "); ok {
			if !strings.HasPrefix(strings.ToUpper(status), "OK") {
				return &Error{Protocol, "the server does not offer TLS: " + plainLine(status)}
			}
			return nil
		}
	}
	return &Error{Protocol, "the server's greeting does not end"}
}

func (d *dialogue) pop3() error {
	for _, word := range []string{"", "STLS\r\n"} {
		if err := d.say("%s", word); err != nil {
			return err
		}
		line, err := d.line()
		if err != nil {
			return err
		}
		if !strings.HasPrefix(line, "+OK") {
			return &Error{Protocol, "the server does not offer TLS: " + plainLine(line)}
		}
	}
	return nil
}

func (d *dialogue) postgresql() error {
	if err := d.say("\x00\x00\x00\x08\x04\xd2\x16\x2f"); err != nil {
		return err
	}
	c, err := d.lines.ReadByte()
	if err != nil {
		return err
	}
	if c != 'S' {
		return &Error{Protocol, "the server does not offer TLS"}
	}
	return nil
}

// plainLine makes a line of a server fit to be shown.
func plainLine(line string) string {
	return cut(strings.ToValidUTF8(line, "\uFFFD"), 100)
}

// oneByte reads single bytes.
type oneByte struct{ r io.Reader }

func (o oneByte) Read(p []byte) (int, error) {
	if len(p) > 1 {
		p = p[:1]
	}
	return o.r.Read(p)
}
