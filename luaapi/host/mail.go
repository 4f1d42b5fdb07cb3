package host

import (
	"context"
	"errors"
	"net"
	"net/textproto"
	"os"
	"strconv"
	"strings"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// maxMailAnswers bounds what a mail server may say in one conversation.
const maxMailAnswers = 1 << 20

// Mail sends one message by SMTP. The envelope is written here, since the mail
// library gives up on all recipients when one is refused.
func (n *Net) Mail(ctx context.Context, mail *Mail) (refused []string, err error) {
	msg, err := compose(mail)
	if err != nil {
		return nil, err
	}
	target := hostPort(mail.Host, mail.port())
	conn, err := n.dial(ctx, mail.Host, mail.port(), new(dialTimes))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer bindDeadline(ctx, conn)()
	client, err := greet(ctx, &meteredConn{Conn: conn, left: maxMailAnswers}, mail)
	if err != nil {
		return nil, explainMail(ctx, err, target)
	}
	refused, whole, err := deliver(client, msg)
	if err != nil {
		var answer *textproto.Error
		if whole && !errors.As(err, &answer) && !isWriteError(err) {
			NoteUnanswered(ctx)
		}
		return refused, explainMail(ctx, err, target)
	}
	_ = client.Quit() // the message is taken, whatever comes now
	return refused, nil
}

// port returns the port to connect to.
func (m *Mail) port() int {
	switch {
	case m.Port != 0:
		return m.Port
	case m.Security == SecurityTLS:
		return 465
	case m.Security == SecurityNone:
		return 25
	}
	return 587
}

// compose builds the message.
func compose(m *Mail) (*gomail.Msg, error) {
	if len(m.To)+len(m.Cc) == 0 {
		return nil, &Error{Invalid, "the message has no recipient"}
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := msg.From(m.From); err != nil {
		return nil, badAddress("from", m.From)
	}
	for _, to := range m.To {
		if err := msg.AddTo(to); err != nil {
			return nil, badAddress("to", to)
		}
	}
	for _, cc := range m.Cc {
		if err := msg.AddCc(cc); err != nil {
			return nil, badAddress("cc", cc)
		}
	}
	msg.Subject(oneLine(m.Subject))
	for _, field := range m.Headers {
		if err := checkMailHeader(field); err != nil {
			return nil, err
		}
		msg.SetGenHeader(mailHeaderName(field.Name), field.Value)
	}
	switch {
	case m.HTML == "":
		msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	case m.Text == "":
		msg.SetBodyString(gomail.TypeTextHTML, m.HTML)
	default:
		msg.SetBodyString(gomail.TypeTextPlain, m.Text)
		msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	return msg, nil
}

func badAddress(field, address string) error {
	return &Error{Invalid, field + " is no e-mail address: " + given(address)}
}

// oneLine makes line breaks blanks, so that text cannot begin another header.
func oneLine(text string) string {
	return strings.NewReplacer("\r\n", " ", "\r", " ", "\n", " ", "\x00", "").Replace(text)
}

func checkMailHeader(field HeaderField) error {
	if strings.ContainsAny(field.Value, "\r\n\x00") {
		return &Error{Invalid, "the value of header " + given(field.Name) + " holds a line break"}
	}
	for _, c := range []byte(field.Name) {
		if c <= ' ' || c >= 127 || c == ':' {
			return &Error{Invalid, "not a header name: " + given(field.Name)}
		}
	}
	switch textproto.CanonicalMIMEHeaderKey(field.Name) {
	case "", "From", "To", "Cc", "Bcc", "Subject", "Mime-Version", "Content-Type", "Content-Transfer-Encoding":
		return &Error{Invalid, "header " + given(field.Name) + " cannot be set"}
	}
	return nil
}

// mailHeaderName is the name that the mail library knows a header by: it adds a
// Message-ID of its own unless it finds one that is spelled as it spells it.
func mailHeaderName(name string) gomail.Header {
	name = textproto.CanonicalMIMEHeaderKey(name)
	if name == "Message-Id" {
		return gomail.HeaderMessageID
	}
	return gomail.Header(name)
}

// greet opens the conversation, protects it and logs in.
func greet(ctx context.Context, conn net.Conn, m *Mail) (*smtp.Client, error) {
	config, err := m.TLS.config(m.Host)
	if err != nil {
		return nil, err
	}
	target := hostPort(m.Host, m.port())
	if m.Security == SecurityTLS {
		if conn, err = handshake(ctx, conn, config, target); err != nil {
			return nil, err
		}
	}
	client, err := smtp.NewClient(conn, m.Host)
	if err != nil {
		return nil, err
	}
	if err := client.Hello(ownName()); err != nil {
		return nil, err
	}
	switch m.Security {
	case SecurityTLS, SecurityNone:
	case SecurityStartTLS, "":
		if ok, _ := client.Extension("STARTTLS"); !ok {
			return nil, &Error{TLS, target + " does not offer STARTTLS"}
		}
		if err := client.StartTLS(config); err != nil {
			return nil, err
		}
	default:
		return nil, &Error{Invalid, "security must be starttls, tls or none, got " + given(string(m.Security))}
	}
	return client, login(client, m)
}

// ownName is the name that SMTP servers are greeted with.
func ownName() string {
	name, err := os.Hostname()
	if err != nil || name == "" || strings.ContainsAny(name, " \t\r\n") {
		return "localhost"
	}
	return name
}

// login logs in by the first way that the server offers.
func login(client *smtp.Client, m *Mail) error {
	if m.Username == "" {
		return nil
	}
	ok, ways := client.Extension("AUTH")
	if !ok {
		return &Error{Protocol, hostPort(m.Host, m.port()) + " offers no login"}
	}
	plainText := m.Security == SecurityNone // chosen, with its risk, by whoever set it
	for _, way := range []struct {
		name string
		auth smtp.Auth
	}{
		{"PLAIN", smtp.PlainAuth("", m.Username, m.Password, m.Host, plainText)},
		{"LOGIN", smtp.LoginAuth(m.Username, m.Password, m.Host, plainText)},
		{"CRAM-MD5", smtp.CRAMMD5Auth(m.Username, m.Password)},
	} {
		if containsWord(ways, way.name) {
			return client.Auth(way.auth)
		}
	}
	return &Error{Protocol, hostPort(m.Host, m.port()) + " offers no login that is known: " + plainLine(ways)}
}

func containsWord(text, word string) bool {
	for _, field := range strings.Fields(text) {
		if strings.EqualFold(field, word) {
			return true
		}
	}
	return false
}

// deliver hands the message over. Refused recipients are an error only when
// nobody is left. whole says that all of the message was written.
func deliver(client *smtp.Client, msg *gomail.Msg) (refused []string, whole bool, err error) {
	sender, err := msg.GetSender(false)
	if err != nil {
		return nil, false, err
	}
	recipients, err := msg.GetRecipients()
	if err != nil {
		return nil, false, err
	}
	if err := client.Mail(sender); err != nil {
		return nil, false, err
	}
	var last error
	for _, recipient := range recipients {
		err := client.Rcpt(recipient)
		var answer *textproto.Error
		if err != nil && !errors.As(err, &answer) {
			return nil, false, err
		}
		if err != nil {
			refused, last = append(refused, strings.Trim(recipient, "<>")), err
		}
	}
	if len(refused) == len(recipients) {
		return refused, false, last
	}
	w, err := client.Data()
	if err != nil {
		return refused, false, err
	}
	if _, err := msg.WriteTo(w); err != nil {
		return refused, false, err
	}
	return refused, true, w.Close()
}

// explainMail names the server's own words when it refused.
func explainMail(ctx context.Context, err error, target string) *Error {
	var answer *textproto.Error
	if !errors.As(err, &answer) {
		return explain(ctx, err, target)
	}
	kind := Refused
	if answer.Code == 530 || answer.Code == 534 || answer.Code == 535 || answer.Code == 538 {
		kind = Denied
	}
	return &Error{kind, target + " answered " + strconv.Itoa(answer.Code) + " " + plainLine(oneLine(answer.Msg))}
}

// meteredConn ends a conversation in which the other side says too much.
type meteredConn struct {
	net.Conn
	left int
}

// Read reads while there is something left of the allowance.
func (c *meteredConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, &Error{TooLarge, "the mail server says too much"}
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}
