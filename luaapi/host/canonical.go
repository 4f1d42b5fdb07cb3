package host

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// CanonicalRecord returns the one form of a DNS record's value by which two that
// mean the same are equal: addresses as they are written shortest, names in
// ASCII and lower case without the dot at their end, numbers without leading
// zeros, hexadecimal digits in one case. Text is as it is, or as the quoted
// strings of a zone file say it.
func CanonicalRecord(recordType, value string) string {
	recordType = strings.ToUpper(recordType)
	if recordType == "TXT" || recordType == "SPF" {
		return canonicalText(value)
	}
	value = strings.TrimSpace(value)
	switch recordType {
	case "A", "AAAA":
		if addr, err := netip.ParseAddr(value); err == nil {
			return addr.WithZone("").String()
		}
	case "CAA": // its value is in quotes, and their case counts
		head, quotedPart, ok := strings.Cut(value, `"`)
		if ok {
			return canonicalWords(head) + ` "` + quotedPart
		}
		return value
	case "DS", "TLSA", "SSHFP", "CDS":
		return canonicalHex(value)
	case "DNSKEY", "CDNSKEY": // base64, whose case counts
		return strings.Join(strings.Fields(value), " ")
	}
	return canonicalWords(value)
}

var (
	quotedStrings = regexp.MustCompile(`^\s*"(?:[^"\\]|\\.)*"(?:\s*"(?:[^"\\]|\\.)*")*\s*$`)
	quotedString  = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)
)

// canonicalText joins the strings of a text that is written as in zone files.
func canonicalText(value string) string {
	if !quotedStrings.MatchString(value) {
		return value
	}
	var b strings.Builder
	for _, part := range quotedString.FindAllStringSubmatch(value, -1) {
		b.WriteString(unescapeText(part[1]))
	}
	return b.String()
}

// canonicalWords treats each word as a name, or as a number where it is one.
func canonicalWords(value string) string {
	words := strings.Fields(value)
	for i, word := range words {
		if n, err := strconv.ParseUint(word, 10, 32); err == nil {
			words[i] = strconv.FormatUint(n, 10)
			continue
		}
		if ascii, err := asciiName(word); err == nil {
			word = ascii
		}
		words[i] = bare(strings.ToLower(word))
	}
	return strings.Join(words, " ")
}

// canonicalHex joins the digits behind up to three numbers.
func canonicalHex(value string) string {
	words := strings.Fields(strings.ToUpper(value))
	numbers := min(3, max(len(words)-1, 0))
	return strings.Join(append(words[:numbers:numbers], strings.Join(words[numbers:], "")), " ")
}
