package describe

func jsonModule() Module {
	return Module{Name: "json", Text: "Reads and writes JSON. An empty table is written as `[]`.",
		Functions: functions(`
			encode(value: any): string -- The value as JSON. Mixed keys, NaN, cycles and functions raise.
			decode(text: string, options?: json.options): any [fails] -- What JSON text says. null leaves an object's key out and is json.null in an array; whole numbers beyond 2^53 are text.
			object(table?: table): table -- Marks a table as an object, so that it is written as one even when it is empty.
			get(value: any, path: string): any -- What lies at a path such as "data.items[0].state" (indexes count from 0, "$" may stand first), or nil. What is no path raises.
		`),
		Fields: fields(`
			null: any -- What stands for null.
		`),
		Example: `local json = require "json"
local value = json.decode('{"data": {"items": [{"state": "up"}]}}')
json.get(value, "data.items[0].state") --> "up"
json.get(value, "data.nothing") --> nil
json.encode({ 1, 2, 3 }) --> "[1,2,3]"
json.encode(json.object{}) --> "{}"
local nothing, problem, kind = json.decode("{")
kind --> "invalid"`}
}

func reModule() Module {
	return Module{
		Name: "re",
		Text: "Regular expressions in RE2's syntax, whose time is linear in the text. A pattern that is none raises, and so does one " +
			"of more than 50 groups (`(?:…)` is none), of more than 16 KiB, or whose repetitions unfold to more than 20,000 steps. " +
			"A search ends with the run. Lua's own patterns are in `string`.",
		Functions: functions(`
			match(pattern: string, text: string): table -- The first match, or nil: [0] is the whole, [1] and on the groups, which are also there by their names; a group that took no part is false.
			find_all(pattern: string, text: string): table[] -- All matches, as match gives them.
			replace(pattern: string, text: string, replacement: string): string -- The text with all matches replaced; $1, ${name} and $$ can stand in the replacement.
			quote(text: string): string -- A pattern that matches the text itself.
		`),
		Example: `local re = require "re"
re.match([[(\d+) users]], "with 12 users")[1] --> "12"
re.match("(?P<name>[a-z]+)=", "load=3").name --> "load"
re.match("x", "abc") --> nil
#re.find_all("[0-9]+", "1, 22, 333") --> 3
re.replace("([a-z]+)@", "ada@example.org", "<$1>@") --> "<ada>@example.org"
re.quote("1.5") --> "1\\.5"`,
	}
}

func urlModule() Module {
	return Module{Name: "url", Text: "Takes URLs apart and puts them together.",
		Functions: functions(`
			parse(url: string): url.parts [fails] -- The parts of a URL.
			build(parts: url.build): string -- The reverse of parse; query may be a table.
			escape(text: string): string -- Escapes all but the unreserved characters.
			unescape(text: string): string [fails] -- The reverse of escape.
			link(url: string, most?: integer): string -- The address fit to stand in a link of any markup: what could end it there is escaped. "" when it does not begin with http:// or https://, or is longer than most (2000) bytes: no link is cut.
			query(query: table|string): any [fails] -- A table as the text of a query, in order of name, and the text of one as a table: a name that is repeated has an array of values.
			registrable_domain(host: string): string? -- The part of a host's name that is registered with a registry, by the public suffix list: example.co.uk of www.example.co.uk. nil for an address and for a public suffix itself.
		`),
		Example: `local url = require "url"
url.parse("https://example.org:8443/a?b=c").port --> 8443
url.build{ scheme = "https", host = "example.org", path = "/a", query = { b = "c d" } } --> "https://example.org/a?b=c+d"
url.escape("a b/c") --> "a%20b%2Fc"
url.registrable_domain("www.example.co.uk") --> "example.co.uk"
url.link("https://example.org/a|b>c") --> "https://example.org/a%7Cb%3Ec"
url.query("a=1&b=2").b --> "2"
url.query{ a = 1, b = 2 } --> "a=1&b=2"`}
}

func xmlModule() Module {
	return Module{Name: "xml", Text: "Reads XML. External entities and document types are not looked at.",
		Functions: functions(`
			parse(text: string): xml.element [fails] -- The root element.
			escape(text: string): string -- Text as it may stand in an element or attribute.
		`),
		Example: `local xml = require "xml"
local root = xml.parse('<queues><queue name="mail">12</queue></queues>')
root.children[1].attributes.name --> "mail"
root.children[1].text --> "12"
xml.escape("a < b") --> "a &lt; b"`}
}

func htmlModule() Module {
	return Module{Name: "html", Text: "Text in HTML.",
		Functions: functions(`
			escape(text: string): string -- Text as it may stand in an element or attribute.
			unescape(text: string): string -- Text with its entities replaced.
		`),
		Example: `local html = require "html"
html.escape("<b>") --> "&lt;b&gt;"
html.unescape("&eacute;") --> "é"`}
}

func base64Module() Module {
	return Module{Name: "base64", Text: "Base64.",
		Functions: functions(`
			encode(text: string): string -- Bytes as base64.
			decode(text: string): string [fails] -- The bytes; both alphabets are taken, with and without padding.
		`),
		Example: `local base64 = require "base64"
base64.encode("ada:secret") --> "YWRhOnNlY3JldA=="
base64.decode("YWRhOnNlY3JldA") --> "ada:secret"`}
}

func utf8Module() Module {
	return Module{Name: "utf8", Text: "Characters in place of bytes.",
		Functions: functions(`
			len(text: string, unit?: "characters"|"bytes"|"utf16"): integer -- How many characters, or of the unit that a receiver counts in; a byte that is part of no character counts as one.
			line(text: string, most?: integer, unit?: "characters"|"bytes"|"utf16", escape?: function): string -- The text as one line: line breaks and control characters become blanks, and what turns the direction of text goes. What is longer than most is cut with … at its end, never within a character. With escape, what that returns for the text is what must fit, and is returned: no escape is cut.
			fit(lines: string[], most: integer, options?: utf8.fit): string, integer -- Whole lines while they fit, then "… and N more"; and how many lines are in it.
			sub(text: string, first: integer, last?: integer): string -- string.sub with characters in place of bytes.
		`),
		Example: `local utf8 = require "utf8"
utf8.len("Grüße") --> 5
utf8.sub("Grüße", 2, 3) --> "rü"
utf8.len("😀", "utf16") --> 2
utf8.line("two\nlines", 5) --> "two…"
utf8.fit({ "one", "two", "three", "four" }, 16) --> "one\n… and 3 more"
select(2, utf8.fit({ "one", "two", "three", "four" }, 16)) --> 1`}
}

func bytesModule() Module {
	return Module{Name: "bytes", Text: "Binary formats, as Lua 5.3's string.pack and string.unpack. Integers beyond 2^53 are decimal text.",
		Functions: functions(`
			pack(format: string, ...: any): string -- Values as bytes.
			unpack(format: string, text: string, position?: integer): any [fails] -- The values that bytes hold from position (1) on, and the position after them.
		`),
		Example: `local bytes = require "bytes"
bytes.pack(">I2", 258) --> "\1\2"
(bytes.unpack(">I2", "\1\2")) --> 258`}
}

func cryptoModule() Module {
	return Module{Name: "crypto", Text: "Hashes, signatures and random bytes. An encoding is `\"hex\"` (default), `\"base64\"` or `\"raw\"`.",
		Functions: functions(`
			md5(text: string, encoding?: encoding): string -- The MD5 hash.
			sha1(text: string, encoding?: encoding): string -- The SHA-1 hash.
			sha256(text: string, encoding?: encoding): string -- The SHA-256 hash.
			sha512(text: string, encoding?: encoding): string -- The SHA-512 hash.
			hmac(algorithm: hash, key: string, text: string, encoding?: encoding): string -- The HMAC of a text.
			pbkdf2(algorithm: hash, password: string, salt: string, rounds: integer, length: integer, encoding?: encoding): string -- A key of length bytes, raw unless an encoding is named.
			xor(first: string, second: string): string -- Two texts of one length, bit by bit.
			equal(first: string, second: string): boolean -- Whether two texts are equal, in a time that does not tell where they differ.
			random(n: integer, encoding?: encoding): string -- n random bytes.
		`),
		Example: `local crypto = require "crypto"
crypto.md5("abc") --> "900150983cd24fb0d6963f7d28e17f72"
crypto.equal(crypto.hmac("sha256", "key", "text"), "guess") --> false
#crypto.random(8) --> 16`}
}

func timeModule() Module {
	return Module{
		Name: "time",
		Text: "The clock. Instants are seconds since the epoch, durations seconds. A layout is `\"rfc3339\"` (default), `\"http\"`, " +
			"or one of strftime such as `\"%d.%m.%Y %H:%M\"`; a zone is an IANA name, UTC when left out.",
		Functions: functions(`
			now(): number -- This instant.
			left(): number -- How much of this run's time remains.
			sleep(seconds: number): boolean [fails waits] -- Waits.
			format(t: number, layout?: string, zone?: string): string [fails] -- An instant as text.
			parse(text: string, layout?: string, zone?: string): number [fails] -- The instant that a text names.
		`),
		Example: `local time = require "time"
time.format(0) --> "1970-01-01T00:00:00Z"
time.format(0, "%d.%m.%Y %H:%M", "Europe/Berlin") --> "01.01.1970 01:00"
time.parse("2026-01-05T09:00:00Z") --> 1767603600
time.left() > 0 --> true`,
	}
}
