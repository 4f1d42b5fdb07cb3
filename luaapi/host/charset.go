package host

import (
	"mime"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
	"golang.org/x/net/http/httpguts"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// byteOrderMarks are looked for in this order: the mark of UTF-16 begins that of UTF-32.
var byteOrderMarks = []struct {
	mark     string
	encoding encoding.Encoding // nil: UTF-8
}{
	{"\xef\xbb\xbf", nil},
	{"\xff\xfe\x00\x00", utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM)},
	{"\x00\x00\xfe\xff", utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM)},
	{"\xff\xfe", unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)},
	{"\xfe\xff", unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)},
}

// decodeText returns a body as UTF-8: by its byte order mark, by the charset of
// the Content-Type, or by what HTML and XML say of themselves. Bodies that are
// no text, and text that says nothing, stay as they came. unknown names a
// charset that cannot be decoded.
func decodeText(body, contentType string, truncated bool) (text, unknown string) {
	media, label := mediaType(contentType)
	if body == "" || isBinary(media) && label == "" {
		return body, ""
	}
	for _, m := range byteOrderMarks {
		if rest, ok := strings.CutPrefix(body, m.mark); ok {
			return decodeWith(m.encoding, rest), ""
		}
	}
	switch {
	case label != "":
	case strings.HasSuffix(media, "html"):
		label = htmlCharset(body, truncated)
	case strings.HasSuffix(media, "xml"):
		label = xmlCharset(body)
	}
	e, name, known := charsetOf(label)
	if !known {
		return body, "charset " + cut(label, 60)
	}
	if (name == "windows-1252" && label == "us-ascii" || label == "") && validText(body, truncated) {
		return body, ""
	}
	return decodeWith(e, body), ""
}

// mediaType reads a Content-Type: the type and its charset, in small letters. What
// most servers send is read without a map.
func mediaType(contentType string) (media, charset string) {
	media, rest, more := strings.Cut(contentType, ";")
	name, value, _ := strings.Cut(strings.TrimSpace(rest), "=")
	if kind, sub, ok := strings.Cut(media, "/"); ok && httpguts.ValidHeaderFieldName(kind) && httpguts.ValidHeaderFieldName(sub) &&
		(!more || strings.EqualFold(name, "charset") && httpguts.ValidHeaderFieldName(value)) { // all of them tokens
		return strings.ToLower(media), strings.ToLower(value)
	}
	media, parameters, _ := mime.ParseMediaType(contentType) // what can be read of a bad one is kept
	return media, strings.ToLower(strings.TrimSpace(parameters["charset"]))
}

// charsetOf finds an encoding by one of its names; nil is UTF-8.
func charsetOf(label string) (e encoding.Encoding, name string, known bool) {
	switch label {
	case "", "utf-8", "utf8", "unicode-1-1-utf-8":
		return nil, "utf-8", true
	case "utf-32", "utf-32be", "utf32":
		return utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM), label, true
	case "utf-32le":
		return utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM), label, true
	}
	e, name = charset.Lookup(label)
	return e, name, e != nil && name != "replacement"
}

func decodeWith(e encoding.Encoding, body string) string {
	if e == nil || e == encoding.Nop {
		return body
	}
	text, err := e.NewDecoder().String(body)
	if err != nil { // it puts U+FFFD for what it cannot read
		return body
	}
	return text
}

// isBinary reports whether a media type is surely no text.
func isBinary(media string) bool {
	kind, subtype, _ := strings.Cut(media, "/")
	switch kind {
	case "image", "audio", "video", "font":
		return subtype != "svg+xml"
	case "application":
		for _, text := range []string{"json", "xml", "html", "javascript", "ecmascript", "x-www-form-urlencoded", "yaml", "toml", "sql", "openmetrics-text"} {
			if strings.HasSuffix(subtype, text) {
				return false
			}
		}
		return true
	}
	return false
}

// htmlCharset is what an HTML page says in its head. One that says nothing and
// is not UTF-8 is read as browsers do.
func htmlCharset(body string, truncated bool) string {
	_, name, _ := charset.DetermineEncoding([]byte(body[:min(len(body), 1024)]), "text/html")
	if name != "iso-2022-jp" && validText(body, truncated) {
		return ""
	}
	return name
}

var xmlDeclaration = regexp.MustCompile(`^<\?xml[^>]*\sencoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]*)["']`)

func xmlCharset(body string) string {
	found := xmlDeclaration.FindStringSubmatch(body[:min(len(body), 256)])
	if found == nil {
		return ""
	}
	return strings.ToLower(found[1])
}

// validText reports whether a body is UTF-8. One that was truncated may end
// within a character.
func validText(body string, truncated bool) bool {
	if !truncated {
		return utf8.ValidString(body)
	}
	for cutOff := 0; cutOff < utf8.UTFMax && cutOff <= len(body); cutOff++ {
		if utf8.ValidString(body[:len(body)-cutOff]) {
			return true
		}
	}
	return false
}
