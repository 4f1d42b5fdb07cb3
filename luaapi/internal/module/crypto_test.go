package module

import (
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

func TestCrypto(t *testing.T) {
	b := newBench(t, nil)
	for script, want := range map[string]string{
		`crypto.md5("")`:                  "d41d8cd98f00b204e9800998ecf8427e",
		`crypto.sha1("abc")`:              "a9993e364706816aba3e25717850c26c9cd0d89d",
		`crypto.sha256("abc")`:            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		`crypto.sha512("abc"):sub(1, 16)`: "ddaf35a193617aba",
		`crypto.sha1("abc", "base64")`:    "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=",
		`#crypto.sha512("abc", "raw")`:    "64",
		`crypto.hmac("sha256", "key", "The quick brown fox jumps over the lazy dog")`: "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8",
		`crypto.hmac("md5", "", "", "base64")`:                                        "dOb3KYqcLRaJNfWMAButiA==",
		// RFC 6070
		`crypto.pbkdf2("sha1", "password", "salt", 4096, 20, "hex")`: "4b007901b765489abead49d926f721d065a429c1",
		`#crypto.pbkdf2("sha256", "p", "s", 1, 33)`:                  "33",
		`crypto.xor("abc", "   ")`:                                   "ABC",
		`crypto.xor("", "")`:                                         "",
		`crypto.equal("a", "a")`:                                     "true",
		`crypto.equal("a", "b")`:                                     "false",
		`crypto.equal("a", "ab")`:                                    "false",
		`#crypto.random(8)`:                                          "16",
		`#crypto.random(9, "base64")`:                                "12",
		`#crypto.random(65536, "raw")`:                               "65536",
		`crypto.random(16) ~= crypto.random(16)`:                     "true",
	} {
		b.gives("return ("+script+")", want)
	}
	for script, want := range map[string]string{
		`crypto.md5()`:                               "bad argument #1 to crypto.md5: text must be text, got nil",
		`crypto.sha256("x", "hexx")`:                 "bad argument #2 to crypto.sha256: encoding must be hex, base64 or raw, got hexx",
		`crypto.sha256("x", {})`:                     "encoding must be text",
		`crypto.hmac("sha3", "k", "t")`:              "algorithm must be md5, sha1, sha256 or sha512, got sha3",
		`crypto.hmac("sha256", "k")`:                 "text must be text, got nil",
		`crypto.pbkdf2("sha1", "p", "s", 0, 20)`:     "rounds must be from 1 to 2000000",
		`crypto.pbkdf2("sha1", "p", "s", 1e6, 1000)`: "rounds are too many for this length",
		`crypto.pbkdf2("sha1", "p", "s", 1, 1e9)`:    "length must be from 1 to 1024",
		`crypto.pbkdf2("sha1", "p", "s", 0/0, 1)`:    "rounds must be a finite number",
		`crypto.xor("a", "ab")`:                      "second must be as long as first (1 bytes), got 2",
		`crypto.equal("a")`:                          "second must be text, got nil",
		`crypto.random(0)`:                           "n must be from 1 to 65536",
		`crypto.random(1e9)`:                         "n must be from 1 to 65536",
		`crypto.random("8")`:                         "n must be a number, got text",
	} {
		b.raises(script, want)
	}
}

func TestBytes(t *testing.T) {
	b := newBench(t, nil)
	b.gives(`function hex(s) return (s:gsub(".", function(c) return ("%02x"):format(c:byte()) end)) end`, "")
	for script, want := range map[string]string{
		`hex(bytes.pack("<i4", -2))`: "feffffff", `hex(bytes.pack(">I3", 0x010203))`: "010203", `hex(bytes.pack("bBhH", -1, 255, -2, 65535))`: "fffffeffffff",
		`hex(bytes.pack(">lLjJT", -1, 1, -1, 1, 2))`: "ffffffffffffffff0000000000000001ffffffffffffffff00000000000000010000000000000002",
		`hex(bytes.pack("<f", 1.5))`:                 "0000c03f", `hex(bytes.pack(">d", -2))`: "c000000000000000", `hex(bytes.pack("<n", 0))`: "0000000000000000",
		`hex(bytes.pack("z", "ab"))`: "616200", `hex(bytes.pack(">s2", "ab"))`: "00026162", `hex(bytes.pack("<s1", ""))`: "00", `hex(bytes.pack("c4", "ab"))`: "61620000",
		`hex(bytes.pack("bxb", 1, 2))`: "010002", `hex(bytes.pack("<!4 b i4", 1, 2))`: "0100000002000000", `hex(bytes.pack("<!4 b Xi4 b", 1, 2))`: "0100000002",
		`hex(bytes.pack("<! b d", 1, 0))`: "01000000000000000000000000000000", `hex(bytes.pack("> i2 < i2 = i2", 1, 1, 1))`: "000101000100",
		`hex(bytes.pack(">i16", -2))`: "fffffffffffffffffffffffffffffffe", `hex(bytes.pack("<I9", 5))`: "050000000000000000",
		`hex(bytes.pack(">J", "18446744073709551615"))`: "ffffffffffffffff", `hex(bytes.pack(">j", "-9007199254740993"))`: "ffdfffffffffffff", `bytes.pack("")`: "",
		`hex(bytes.pack(">I8", 18446744073709549568))`: "fffffffffffff800", `hex(bytes.pack("<i1", -128))`: "80",
	} {
		b.gives("return ("+script+")", want)
	}
	for script, want := range map[string]string{
		`bytes.unpack("<i4", "\254\255\255\255")`: "-2 | 5", `bytes.unpack(">I3 b", "\1\2\3\255")`: "66051 | -1 | 5", `bytes.unpack("z s1 c2", "ab\0\1xyz")`: "ab | x | yz | 8",
		`bytes.unpack("<f", "\0\0\192\63")`: "1.5 | 5", `bytes.unpack(">d", bytes.pack(">d", -2))`: "-2 | 9", `bytes.unpack("b", "ab", 2)`: "98 | 3", `bytes.unpack("b", "ab", -1)`: "98 | 3",
		`bytes.unpack("<!4 b i4", bytes.pack("<!4 b i4", 1, 2))`: "1 | 2 | 9", `bytes.unpack(">J", ("\255"):rep(8))`: "18446744073709551615 | 9",
		`bytes.unpack(">j", "\0\32\0\0\0\0\0\0")`: "9007199254740992 | 9", `bytes.unpack(">j", "\0\32\0\0\0\0\0\1")`: "9007199254740993 | 9",
		`bytes.unpack(">i16", ("\255"):rep(16))`: "-1 | 17", `bytes.unpack("<I9", "\5\0\0\0\0\0\0\0\0")`: "5 | 10", `bytes.unpack("", "x")`: "1", `bytes.unpack("xb", "ab")`: "98 | 3",
		`bytes.unpack("i4", "abc")`: "nil | the text is too short for the format | invalid", `bytes.unpack("z", "abc")`: "nil | the text is too short for the format | invalid",
		`bytes.unpack("s1", "\5ab")`: "nil | the text is too short for the format | invalid", `bytes.unpack("<s8", ("\255"):rep(8))`: "nil | the text is too short for the format | invalid",
		`bytes.unpack("c5", "abc")`: "nil | the text is too short for the format | invalid", `bytes.unpack("b", "")`: "nil | the text is too short for the format | invalid",
		`bytes.unpack("b", "a", 2)`: "nil | the text is too short for the format | invalid", `bytes.unpack("<d", "abc")`: "nil | the text is too short for the format | invalid",
		`bytes.unpack("<i12", "abc")`: "nil | the text is too short for the format | invalid",
	} {
		b.gives("return "+script, want)
	}
	for script, want := range map[string]string{
		`bytes.pack("i4")`:                               "bad argument #2 to bytes.pack: value must be a number, got nil",
		`bytes.pack("b", 128)`:                           "value does not fit 1 bytes",
		`bytes.pack("b", -129)`:                          "value does not fit 1 bytes",
		`bytes.pack("B", 256)`:                           "value does not fit 1 bytes",
		`bytes.pack("B", -1)`:                            "value does not fit 1 bytes",
		`bytes.pack("i4", 1.5)`:                          "value must be a whole number of 64 bits",
		`bytes.pack("j", 1e30)`:                          "value must be a whole number of 64 bits",
		`bytes.pack("j", "x")`:                           "value must be a whole number of 64 bits",
		`bytes.pack("j", 0/0)`:                           "value must be a finite number",
		`bytes.pack("j", 2^63)`:                          "value does not fit 8 bytes",
		`bytes.pack("f", "1")`:                           "value must be a number, got text",
		`bytes.pack("z", "a\0b")`:                        "value holds a zero byte",
		`bytes.pack("s1", ("x"):rep(256))`:               "value is too long for a count of 1 bytes",
		`bytes.pack("c1", "ab")`:                         "value is longer than 1 bytes",
		`bytes.pack("c", "ab")`:                          "missing size for format option 'c'",
		`bytes.pack("c999999999", "")`:                   "the result would be longer than",
		`bytes.pack("i17", 1)`:                           "integral size (17) out of limits [1,16]",
		`bytes.pack("i0", 1)`:                            "integral size (0) out of limits",
		`bytes.pack("q", 1)`:                             "invalid format option 'q'",
		`bytes.pack("X", 1)`:                             "invalid next option for option 'X'",
		`bytes.pack(("X"):rep(8e6), 1)`:                  "invalid next option for option 'X'",
		`bytes.pack("Xz", 1)`:                            "invalid next option for option 'X'",
		`bytes.pack("!4 b i3", 1, 1)`:                    "format asks for alignment not power of 2",
		`bytes.pack(("x"):rep(8400000))`:                 "format is longer than 8388608 bytes",
		`bytes.unpack("i4")`:                             "bad argument #2 to bytes.unpack: text must be text, got nil",
		`bytes.unpack("b", "a", 3)`:                      "position must be from -1 to 2",
		`bytes.unpack("i16", ("\1"):rep(16))`:            "16-byte integer does not fit 64 bits",
		`bytes.unpack(("b"):rep(9000), ("x"):rep(9000))`: "the format has more than 8000 values",
	} {
		b.raises(script, want)
	}
}

func FuzzBytes(f *testing.F) {
	f.Add("<!4 b i4 >s2 z c3 xXi8 d", "\x01\x02\x03\x04\x05\x06\x07\x08\x09")
	f.Add("i16I9jJ", "\xff\xff")
	f.Fuzz(func(t *testing.T, format, data string) {
		b := newBench(t, nil)
		b.global("f", lua.LString(format))
		b.global("d", lua.LString(data))
		for _, script := range []string{"return bytes.unpack(f, d)", "return bytes.pack(f, 1, 2, 'x', d, 3)"} {
			if _, err := b.do(script); err != nil && !strings.HasPrefix(err.Error(), "<string>:1: bad argument") {
				t.Fatalf("%s with %q, %q: %v", script, format, data, err)
			}
		}
	})
}
