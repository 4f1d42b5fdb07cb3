package form

import (
	"errors"
	"math"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"moonwatch/engine/pattern"
)

// maxURL is the longest address, in characters, where the field sets no other bound.
const maxURL = 2048

// validate asks whether a converted value that is not empty is a good one, and
// returns it in its canonical form.
func (f *Field) validate(v any) (any, *fault) {
	var p *fault
	switch v := v.(type) {
	case string:
		return f.validateText(v)
	case float64:
		low, high := f.MinValue, f.MaxValue
		if f.Type == Port {
			low, high = tighter(low, high, 1, 65535)
		}
		p = inRange(v, low, high, "", f.StepSize)
	case []any:
		if f.Type == ChoiceMany {
			p = f.chosen(v)
		}
	}
	return v, p
}

func tighter(low, high *float64, least, most float64) (*float64, *float64) {
	if low == nil || *low < least {
		low = &least
	}
	if high == nil || *high > most {
		high = &most
	}
	return low, high
}

func inRange(v float64, low, high *float64, unit string, step *float64) *fault {
	if low != nil && v < *low {
		limit := formatNumber(*low) + unit
		return &fault{CodeMin, "min_value", "Ensure this value is greater than or equal to " + limit + ".", limit}
	}
	if high != nil && v > *high {
		limit := formatNumber(*high) + unit
		return &fault{CodeMax, "max_value", "Ensure this value is less than or equal to " + limit + ".", limit}
	}
	if step != nil && *step > 0 {
		base := 0.0
		if low != nil {
			base = *low
		}
		steps := (v - base) / *step
		if math.Abs(steps-math.Round(steps)) > 1e-9*math.Max(1, math.Abs(steps)) {
			limit := formatNumber(*step) + unit
			return &fault{CodeInvalid, "step_size", "Ensure this value is a multiple of step size " + limit + ".", limit}
		}
	}
	return nil
}

func (f *Field) validateText(s string) (any, *fault) {
	if p := f.lengthFault(s); p != nil {
		return nil, p
	}
	switch f.Type {
	case ChoiceOne:
		return s, f.chosen([]any{s})
	case URL:
		return s, checkURL(s)
	case Email:
		return s, checkEmail(s)
	case Slug:
		if !slugText.MatchString(s) {
			return nil, invalid("Enter a slug of letters, numbers, underscores or hyphens.")
		}
	case Regex:
		return s, f.checkRegex(s)
	case Pattern:
		if _, err := pattern.Compile(s); err != nil {
			return nil, invalid("Enter a regular expression (RE2 syntax): " + pattern.Problem(err) + ".")
		}
	case GenericIPAddress:
		addr, err := netip.ParseAddr(s)
		if err != nil || addr.Zone() != "" {
			return nil, invalid("Enter a valid IPv4 or IPv6 address.")
		}
		return addr.String(), nil
	case Host:
		return toHost(s)
	case DurationType:
		return s, inRange(durationSeconds(s), f.MinValue, f.MaxValue, " seconds", f.StepSize)
	}
	return s, nil
}

var slugText = regexp.MustCompile(`^[-a-zA-Z0-9_]+$`)

// lengthFault holds the bounds on length, which are in characters, against the
// types that have a length.
func (f *Field) lengthFault(s string) *fault {
	if !f.Type.text() && f.Type != KeyValue || f.Type == ChoiceOne {
		return nil
	}
	n := utf8.RuneCountInString(s)
	if f.MinLength != nil && n < *f.MinLength {
		limit := strconv.Itoa(*f.MinLength)
		return &fault{CodeMin, "min_length", "Ensure this value has at least " + counted(*f.MinLength, "character") + ".", limit}
	}
	most := f.MaxLength
	if longest := maxURL; most == nil && f.Type == URL {
		most = &longest
	}
	if longest := 320; most == nil && f.Type == Email {
		most = &longest
	}
	if most != nil && n > *most {
		limit := strconv.Itoa(*most)
		return &fault{CodeMax, "max_length", "Ensure this value has at most " + counted(*most, "character") + ".", limit}
	}
	return nil
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

func (f *Field) chosen(values []any) *fault {
	for _, v := range values {
		if !f.offers(v) {
			return &fault{code: CodeInvalid, key: "invalid_choice", text: "Select a valid choice: this one is not among those available."}
		}
	}
	return nil
}

func (f *Field) offers(v any) bool {
	for _, c := range f.Choices {
		if c.Value == v {
			return true
		}
	}
	return false
}

func (f *Field) checkRegex(s string) *fault {
	re, err := pattern.Compile(f.Regex)
	if err != nil {
		return invalid("Enter a valid value.")
	}
	switch ok, err := re.Matches(s); {
	case err != nil:
		return invalid("Enter a shorter value: " + err.Error() + ".")
	case !ok:
		return invalid("Enter a valid value.")
	}
	return nil
}

func checkURL(s string) *fault {
	bad := invalid("Enter a URL that begins with http:// or https://.")
	if strings.ContainsFunc(s, unicode.IsSpace) {
		return invalid("Enter a URL without spaces: one within it is written %20.")
	}
	u, err := url.Parse(s)
	if escape := url.EscapeError(""); errors.As(err, &escape) {
		return invalid("Enter a URL in which each % is followed by two hexadecimal digits: the sign itself is written %25.")
	}
	if err != nil {
		return bad
	}
	if scheme := strings.ToLower(u.Scheme); scheme != "http" && scheme != "https" {
		return bad
	}
	if !validHost(u.Hostname()) {
		return invalid("Enter a URL with a valid host.")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return invalid("Enter a URL with a port from 1 to 65535.")
		}
	}
	return nil
}

var emailLocal = regexp.MustCompile("^[-!#$%&'*+/=?^_`{}|~0-9A-Za-z]+(\\.[-!#$%&'*+/=?^_`{}|~0-9A-Za-z]+)*$")

func checkEmail(s string) *fault {
	bad := invalid("Enter a valid email address.")
	at := strings.LastIndexByte(s, '@')
	if at < 0 || !emailLocal.MatchString(s[:at]) {
		return bad
	}
	domain := s[at+1:]
	if strings.HasPrefix(domain, "[") && strings.HasSuffix(domain, "]") {
		literal := strings.TrimPrefix(strings.Trim(domain, "[]"), "IPv6:")
		if _, err := netip.ParseAddr(literal); err != nil {
			return bad
		}
		return nil
	}
	if _, err := netip.ParseAddr(domain); err == nil || !validHost(domain) || strings.HasSuffix(domain, ".") {
		return bad
	}
	if !strings.Contains(domain, ".") && !strings.EqualFold(domain, "localhost") {
		return bad
	}
	return nil
}

// toHost takes a host name or an address, IPv6 with or without brackets.
func toHost(s string) (any, *fault) {
	if inner := strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"); len(inner) == len(s)-2 {
		if addr, err := netip.ParseAddr(inner); err == nil && addr.Is6() {
			return inner, nil
		}
	}
	if !validHost(s) {
		return nil, invalid("Enter a host name or an address, without scheme and port.")
	}
	return s, nil
}

// validHost takes addresses and names of the DNS, underscores and letters of
// any script included. A name that ends in a number is a mistyped address.
func validHost(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	s = strings.TrimSuffix(s, ".")
	if s == "" || len(s) > 253 {
		return false
	}
	labels := strings.Split(s, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		if strings.ContainsFunc(label, func(r rune) bool {
			return r != '-' && r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
		}) {
			return false
		}
	}
	return strings.ContainsFunc(labels[len(labels)-1], func(r rune) bool { return r < '0' || r > '9' })
}
