package module

import (
	"strings"
	"testing"

	"moonwatch/luaapi/internal/vm"
)

func TestURL(t *testing.T) {
	b := newBench(t, nil)
	b.gives(`local u = url.parse("https://me:p%40@h.test:8443/a%20b/c?x=1&y#frag")
		return u.scheme, u.user, u.password, u.host, u.port, u.path, u.query, u.fragment`, "https | me | p@ | h.test | 8443 | /a%20b/c | x=1&y | frag")
	b.gives(`local u = url.parse("http://[::1]/") return u.host, u.port, u.user, u.query, u.path`, "::1 | nil | nil |  | /")
	b.gives(`local u = url.parse("mailto:a@b") return u.scheme, u.path`, "mailto | a@b")
	b.gives(`return url.parse("http://a b/")`, "nil | not a URL: http://a b/ | invalid")
	for script, want := range map[string]string{
		`url.build{ scheme = "http", host = "h", path = "/a b", query = { q = "x y" } }`:                       "http://h/a%20b?q=x+y",
		`url.build{ scheme = "http", host = "::1", port = 80, path = "p" }`:                                    "http://[::1]:80/p",
		`url.build{ scheme = "http", host = "::1" }`:                                                           "http://[::1]",
		`url.build{ scheme = "http", host = "h", user = "u", password = "p@", query = "a=1", fragment = "f" }`: "http://u:p%40@h?a=1#f",
		`url.build(url.parse("https://me:p%40@h.test:8443/a%20b/c%2Fd?x=1&y#frag"))`:                           "https://me:p%40@h.test:8443/a%20b/c%2Fd?x=1&y#frag",
		`url.build{ path = "/only" }`:                                                                          "/only",
		`url.escape("aZ0-._~ /?&=+ä%")`:                                                                        "aZ0-._~%20%2F%3F%26%3D%2B%C3%A4%25",
		`url.escape(5)`:                                                                                        "5",
		`url.registrable_domain("www.Example.co.uk.")`:                                                         "example.co.uk",
		`url.registrable_domain("a.b.example.org")`:                                                            "example.org",
		`url.registrable_domain("moon.github.io")`:                                                             "github.io",
		`url.registrable_domain("moon.internal")`:                                                              "moon.internal",
		`url.registrable_domain("co.uk")`:                                                                      "nil",
		`url.registrable_domain("192.0.2.1")`:                                                                  "nil",
		`url.registrable_domain("::1")`:                                                                        "nil",
		`url.registrable_domain("")`:                                                                           "nil",
		`url.registrable_domain("a..org")`:                                                                     "nil",
		`url.registrable_domain(".org")`:                                                                       "nil",
		`url.unescape("a%20b+c%C3%A4")`:                                                                        "a b+cä",
		`url.query{ a = 1, b = { "x", "y" }, ["c d"] = true }`:                                                 "a=1&b=x&b=y&c+d=true",
		`url.query("?a=1&b=x&b=y+z").b[2]`:                                                                     "y z",
		`url.query("a=1").a`:                                                                                   "1",
		`url.query("").a`:                                                                                      "nil",
	} {
		b.gives("return ("+script+")", want)
	}
	b.gives(`return url.unescape("%zz")`, "nil | a % in the text escapes nothing | invalid")
	b.gives(`return select(3, url.query("%zz"))`, "invalid")
	for script, want := range map[string]string{
		`url.parse()`: "url must be text, got nil", `url.build("x")`: "parts must be a table, got text", `url.build{ hots = "x" }`: "did you mean 'host'?",
		`url.build{ port = 99999 }`: "port must be from 0 to 65535", `url.build{ path = "%zz" }`: "path has a %", `url.escape({})`: "text must be text",
		`url.query(nil)`: "query must be a table or text, got nil", `url.query{ a = {{}} }`: "the value of a must be text, got a table",
		`url.query{ [true] = 1 }`: "a name must be text, got a boolean",
	} {
		b.raises(script, want)
	}
}

func TestBase64HTMLUTF8(t *testing.T) {
	b := newBench(t, nil)
	for script, want := range map[string]string{
		`base64.encode("")`: "", `base64.encode("a\0\255")`: "YQD/", `base64.decode("YQD/"):byte(3)`: "255", `base64.decode("YQD_"):byte(3)`: "255",
		`base64.decode("YQ")`: "a", `base64.decode("Y Q =\n=")`: "a", `base64.decode("")`: "",
		`html.escape("<a href='x'>&\"")`: "&lt;a href=&#39;x&#39;&gt;&amp;&#34;", `html.unescape("&lt;&eacute;&#39;")`: "<é'",
		`utf8.len("")`: "0", `utf8.len("aé€😀")`: "4", `utf8.len("\255\254a")`: "3",
		`utf8.sub("aé€😀", 2, 3)`: "é€", `utf8.sub("aé€😀", -2)`: "€😀", `utf8.sub("abc", 0)`: "abc", `utf8.sub("abc", 3, 2)`: "", `utf8.sub("abc", 2, 99)`: "bc",
		`utf8.sub("abc", -99, -99)`: "", `utf8.sub("\255é", 2)`: "é",
	} {
		b.gives("return ("+script+")", want)
	}
	b.gives(`return base64.decode("a*b")`, "nil | not base64 | invalid")
	for script, want := range map[string]string{
		`base64.encode()`: "bad argument #1 to base64.encode: text must be text, got nil", `base64.decode({})`: "got a table", `html.escape(nil)`: "got nil",
		`html.unescape(true)`: "got a boolean", `utf8.len()`: "got nil", `utf8.sub("x")`: "bad argument #2 to utf8.sub: first must be a number, got nil",
		`utf8.sub("x", 1.5)`: "first must be a whole number", `utf8.sub("x", 0/0)`: "first must be a finite number", `utf8.sub("x", 1, "2")`: "last must be a number, got text",
	} {
		b.raises(script, want)
	}
}

func TestXML(t *testing.T) {
	b := newBench(t, nil)
	b.gives(`local x = xml.parse([==[<?xml version="1.0"?><!DOCTYPE r><r a="1" x:b="&lt;2"> top <!-- c --><k>one &amp; <![CDATA[<two>]]></k><s:k/> end</r>]==])
		return x.name, x.attributes.a, x.attributes["x:b"], x.text, #x.children, x.children[1].text, x.children[2].name, #x.children[2].children, x.children[2].text`,
		"r | 1 | <2 | top  end | 2 | one & <two> | s:k | 0 | ")
	b.gives(`return xml.escape("<a b='c'>&\"\1\255")`, "&lt;a b=&apos;c&apos;&gt;&amp;&quot;\uFFFD\uFFFD")
	b.gives(`return xml.parse(string.char(60) .. "?xml version='1.0' encoding='ISO-8859-1'?><a>\233</a>").text`, "é")
	for text, want := range map[string]string{
		``: "no element", `x`: "text outside", `<a>`: "<a> is not closed", `<a></b>`: "</b> closes nothing", `<a/><b/>`: "a second root", `</a>`: "closes nothing",
		`<a>&nope;</a>`: "invalid character entity", `<a b=1/>`: "unquoted", `<a`: "unexpected EOF", "<a>\n\n<": "line 3",
		strings.Repeat("<a>", 300): "nested too deeply", `<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>`: "invalid character entity",
	} {
		b.gives(`local x, message, kind = xml.parse([==[`+text+`]==]) return x, kind, message:find([==[`+want+`]==], 1, true) ~= nil or message`, "nil | invalid | true")
	}
	b.gives(`return select(2, xml.parse("<a>" .. ("<b/>"):rep(200000) .. "</a>"))`, "not XML: too many elements, or nested too deeply at line 1 | invalid")
	b.raises(`xml.parse()`, "bad argument #1 to xml.parse: text must be text, got nil")
	b.raises(`xml.escape({})`, "text must be text, got a table")
}

func TestLog(t *testing.T) {
	b := newBench(t, nil)
	b.gives(`log.debug("d") log.info("i", { b = 2, a = "x" }) log.warn(nil) log.error({} ~= nil) log.info("bad \255")`, "")
	want := []string{"debug: d", "info: i a=x b=2", "warn: nil", "error: true", "info: bad \uFFFD"}
	if strings.Join(b.log, ";") != strings.Join(want, ";") {
		t.Errorf("got %q, want %q", b.log, want)
	}
	b.log = nil
	b.gives(`log.info(("é"):rep(10000))`, "")
	if len(b.log) != 1 || len(b.log[0]) > vm.MaxLogLine+10 || strings.Contains(b.log[0], "\uFFFD") {
		t.Errorf("a long line became %d bytes", len(b.log[0]))
	}
	b.raises(`log.info()`, "bad argument #1 to log.info: message is missing")
	b.raises(`log.info("x", 5)`, "fields must be a table, got a number")
}

func FuzzXMLParse(f *testing.F) {
	for _, seed := range []string{`<a b="1">x<c/><![CDATA[y]]></a>`, `<?xml version="1.0" encoding="x"?><a/>`, `<a:b xmlns:a="u">&lt;&#65;</a:b>`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		root, err := ParseXML(text, nil, nil)
		if (root == nil) == (err == nil) {
			t.Fatalf("parseXML(%q) = %v, %v", text, root, err)
		}
	})
}
