package config

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const heading = `# The configuration of a Moonwatch monitor.
# Objects name each other by name, and are found by name when this is read: an
# object with a new name is a new object. What is left out takes its default.
# A secret shows as {secret: true}: left so, or left out, it stays as it is
# stored; write it in its place to set it, or null to clear it. {env: NAME} in
# place of any value is that environment variable of whoever imports the file.
`

// write gives a document's text.
func write(root *Node) []byte {
	w := &writer{}
	w.b.WriteString(heading)
	for i, p := range root.Pairs {
		if i > 0 && (p.Value.Kind == ListNode || p.Value.Kind == MapNode) {
			w.b.WriteByte('\n')
		}
		w.pair(p, 0)
	}
	return w.b.Bytes()
}

type writer struct{ b bytes.Buffer }

func (w *writer) indent(n int) { w.b.WriteString(strings.Repeat("  ", n)) }

// pair writes a key and its value, the place in the line being right.
func (w *writer) pair(p Pair, depth int) {
	w.b.WriteString(scalar(p.Key))
	w.b.WriteByte(':')
	switch v := p.Value; {
	case inline(v):
		w.b.WriteByte(' ')
		w.inline(v, depth)
		w.b.WriteByte('\n')
	case v.Kind == ListNode:
		w.b.WriteByte('\n')
		for _, item := range v.Items {
			w.item(item, depth+1)
		}
	default:
		w.b.WriteByte('\n')
		for _, one := range v.Pairs {
			w.indent(depth + 1)
			w.pair(one, depth+1)
		}
	}
}

func (w *writer) item(v *Node, depth int) {
	w.indent(depth)
	w.b.WriteByte('-')
	switch {
	case inline(v):
		w.b.WriteByte(' ')
		w.inline(v, depth)
		w.b.WriteByte('\n')
	case v.Kind == ListNode:
		w.b.WriteByte('\n')
		for _, item := range v.Items {
			w.item(item, depth+1)
		}
	default:
		w.b.WriteByte(' ')
		for i, one := range v.Pairs {
			if i > 0 {
				w.indent(depth + 1)
			}
			w.pair(one, depth+1)
		}
	}
}

// inline reports whether a value is written behind its key.
func inline(v *Node) bool {
	switch v.Kind {
	case ListNode:
		return len(v.Items) == 0
	case MapNode:
		_, secret := secretOf(v)
		return secret || len(v.Pairs) == 0
	}
	return true
}

func (w *writer) inline(v *Node, depth int) {
	switch v.Kind {
	case NullNode:
		w.b.WriteString("null")
	case BoolNode:
		fmt.Fprint(&w.b, v.Bool)
	case NumberNode:
		w.b.WriteString(v.Text)
	case ListNode:
		w.b.WriteString("[]")
	case MapNode:
		w.b.WriteByte('{')
		for _, p := range v.Pairs {
			w.b.WriteString(scalar(p.Key) + ": ")
			w.inline(p.Value, depth)
		}
		w.b.WriteByte('}')
	default:
		if block(v.Text) {
			w.block(v.Text, depth)
			return
		}
		w.b.WriteString(scalar(v.Text))
	}
}

// block reports whether text of several lines can be written line by line. What
// is unusual at the ends of lines is quoted instead.
func block(s string) bool {
	if !strings.Contains(s, "\n") || strings.HasPrefix(s, " ") || strings.HasPrefix(s, "\n") || strings.HasPrefix(s, "\t") || strings.HasSuffix(s, "\n\n") {
		return false
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(s, "\n"), "\n") {
		if strings.TrimRight(line, " \t") != line {
			return false
		}
		for _, r := range line {
			if r == utf8.RuneError || r != '\t' && !printable(r) {
				return false
			}
		}
	}
	return true
}

func (w *writer) block(s string, depth int) {
	sign := "|"
	if !strings.HasSuffix(s, "\n") {
		sign = "|-"
	}
	w.b.WriteString(sign)
	for line := range strings.SplitSeq(strings.TrimSuffix(s, "\n"), "\n") {
		w.b.WriteByte('\n')
		if line != "" {
			w.indent(depth + 1)
			w.b.WriteString(line)
		}
	}
}

var (
	// bareText is what needs no quotes: it begins with a letter or slash, and has
	// nothing in it that could mean something.
	bareText = regexp.MustCompile(`^[A-Za-z_/][A-Za-z0-9_./@+-]*( [A-Za-z0-9_./@+-]+)*$`)
	bareSpan = regexp.MustCompile(`^([0-9]+(\.[0-9]+)?(ms|[wdhms]))+$`)
	bareLink = regexp.MustCompile(`^https?://[A-Za-z0-9_./@+%=&?~-]+(:[0-9]+)?[A-Za-z0-9_./@+%=&?~-]*$`)
	// meaning is bare text that is no text to some reader of YAML.
	meaning = regexp.MustCompile(`(?i)^(null|true|false|yes|no|on|off|y|n|nan|inf|_+)$`)
)

// scalar writes text on one line.
func scalar(s string) string {
	if (bareText.MatchString(s) || bareLink.MatchString(s)) && !meaning.MatchString(s) || bareSpan.MatchString(s) {
		return s
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case printable(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// printable reports whether a character may stand in the text as it is.
func printable(r rune) bool {
	return r != 0x85 && r != 0x2028 && r != 0x2029 && r != 0xFEFF && (unicode.IsPrint(r) || r == ' ')
}
