package module

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"golang.org/x/net/html/charset"

	"moonwatch/engine/pattern"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/vm"
	"moonwatch/luaapi/lualib"
)

// Limits of xml.parse.
const (
	maxXMLDepth = 200
	maxXMLNodes = 100_000 // elements and attributes
	// An element is four tables' worth; maxXMLSize is what all of them may take.
	elementSize = 1500
	maxXMLSize  = 64 << 20
)

// lookingReader reads text, and looks at the run with every portion.
type lookingReader struct {
	text io.Reader
	look pattern.Look
}

func (r *lookingReader) Read(p []byte) (int, error) {
	if r.look != nil && r.look(len(p)) != nil {
		return 0, errors.New("the run ended before the text did")
	}
	return r.text.Read(p)
}

func openXML(*lua.LState) *lua.LTable {
	return ModuleOf(map[string]lua.LGFunction{"parse": xmlParse, "escape": xmlEscape})
}

var xmlEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;")

func xmlEscape(L *lua.LState) int {
	text := vm.Args{L: L, Fn: "xml.escape"}.Growing(1, "text", `&<>"'`, 6)
	text = strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return '\uFFFD' // XML cannot hold it in any way
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	L.Push(lua.LString(xmlEscaper.Replace(text)))
	return 1
}

// xmlParse returns the root element. Names are as written, with their prefix;
// text is what stands directly in an element, without white space around it.
func xmlParse(L *lua.LState) int {
	secrets := &vm.CallOf(L).Secrets
	root, err := ParseXML(vm.Args{L: L, Fn: "xml.parse"}.Text(1, "text"), vm.Looking(L), func(name string) string {
		if secrets.Within(name) {
			return "***"
		}
		return name
	})
	if err != nil {
		return vm.Failed(L, err)
	}
	L.Push(root)
	return 1
}

// xmlElement is an element that is being read.
type xmlElement struct {
	name     string
	table    *lua.LTable
	children *lua.LTable
	text     strings.Builder
}

func newXMLElement(start xml.StartElement) *xmlElement {
	e := &xmlElement{name: xmlName(start.Name), table: luaval.NewRecord(4), children: luaval.NewTable()}
	attributes := luaval.NewRecord(len(start.Attr))
	for _, attribute := range start.Attr {
		attributes.RawSetString(xmlName(attribute.Name), lua.LString(attribute.Value))
	}
	e.table.RawSetString("name", lua.LString(e.name))
	e.table.RawSetString("attributes", attributes)
	e.table.RawSetString("children", e.children)
	return e
}

func (e *xmlElement) finish() {
	text := e.text.String()
	e.table.RawSetString("text", lua.LString(lualib.Part(text, strings.TrimSpace(text))))
}

func xmlName(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

// ParseXML reads a document; shown is how a name of it appears in an error.
func ParseXML(text string, look pattern.Look, shown func(name string) string) (*lua.LTable, error) {
	d := xml.NewDecoder(&lookingReader{strings.NewReader(text), look})
	d.CharsetReader = charset.NewReaderLabel
	var root *lua.LTable
	var open []*xmlElement
	nodes, size := 0, 0
	for {
		token, err := d.RawToken()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, notXML(d, err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			nodes += 1 + len(token.Attr)
			size += elementSize + memberSize*len(token.Attr)
			if len(open) >= maxXMLDepth || nodes > maxXMLNodes || size > maxXMLSize {
				return nil, notXML(d, errors.New("too many elements, or nested too deeply"))
			}
			e := newXMLElement(token)
			switch {
			case len(open) > 0:
				open[len(open)-1].children.Append(e.table)
			case root != nil:
				return nil, notXML(d, errors.New("a second root element"))
			default:
				root = e.table
			}
			open = append(open, e)
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1].name != xmlName(token.Name) {
				return nil, notXML(d, errors.New("</"+shown(xmlName(token.Name))+"> closes nothing"))
			}
			open[len(open)-1].finish()
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].text.Write(token)
			} else if strings.TrimSpace(string(token)) != "" {
				return nil, notXML(d, errors.New("text outside the root element"))
			}
		}
	}
	if len(open) > 0 {
		return nil, notXML(d, errors.New("<"+shown(open[len(open)-1].name)+"> is not closed"))
	}
	if root == nil {
		return nil, vm.Invalid("not XML: no element")
	}
	return root, nil
}

// quoting are the beginnings of the decoder's errors that go on with text of the
// document. It is left out: it may be a piece of a secret, which masking would
// not know.
var quoting = []string{
	"invalid character entity", "invalid characters between", "invalid XML name",
	"xml: unsupported version", "xml: encoding", "xml: opening charset",
}

func notXML(d *xml.Decoder, err error) error {
	line, _ := d.InputPos()
	var syntax *xml.SyntaxError
	message := err.Error()
	if errors.As(err, &syntax) {
		message = syntax.Msg
	}
	for _, beginning := range quoting {
		if strings.HasPrefix(message, beginning) {
			message = strings.TrimPrefix(beginning, "xml: ")
		}
	}
	return vm.Invalid("not XML: %s at line %d", luaval.Shorten(keyTextOf(message), 200), line)
}
