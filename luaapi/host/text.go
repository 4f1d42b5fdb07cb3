package host

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// maxQuoted is the longest text of a caller that an error repeats.
const maxQuoted = 300

// given gives a caller's text back in an error: whole and as it is, or not at
// all. It may hold a secret, and of one that is cut or escaped the mask that
// runs over errors later would find no more than a part.
func given(text string) string {
	if len(text) > maxQuoted {
		return "a text of " + strconv.Itoa(len(text)) + " bytes"
	}
	return `"` + text + `"`
}

// cut shortens what the other side said to at most max bytes. It cuts between
// words, so that nothing is shown in part.
func cut(text string, max int) string {
	if len(text) <= max {
		return text
	}
	text = text[:max]
	if at := strings.LastIndexAny(text, " \t\r\n"); at > 0 {
		return text[:at] + " …"
	}
	return "…"
}

// asciiName returns a host or domain name as the DNS and certificates know it:
// "münchen.example" is "xn--mnchen-3ya.example". Names in ASCII stay as they are.
func asciiName(name string) (string, error) {
	if isASCII(name) {
		return name, nil
	}
	labels := strings.Split(dots.Replace(name), ".")
	if !utf8.ValidString(name) {
		return "", &Error{Invalid, "not a host or domain name: " + given(name)}
	}
	for i, label := range labels {
		if isASCII(label) {
			continue // an underscore is fine, beside letters of any script
		}
		ascii, err := idna.Lookup.ToASCII(label)
		if err != nil {
			return "", &Error{Invalid, "not a host or domain name: " + given(name)}
		}
		labels[i] = ascii
	}
	return strings.Join(labels, "."), nil
}

// dots are what IDNA takes for the dot between labels.
var dots = strings.NewReplacer("。", ".", "．", ".", "｡", ".")

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return false
		}
	}
	return true
}
