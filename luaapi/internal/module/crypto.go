package module

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"hash"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/vm"
)

// Limits of module crypto.
const (
	maxRandom      = 64 << 10
	maxDerived     = 1024
	maxDerivedWork = 2_000_000 // rounds times blocks: about a second
)

// hashOf returns a hash by the name that plugins use, or nil.
func hashOf(name string) func() hash.Hash {
	switch name {
	case "md5":
		return md5.New
	case "sha1":
		return sha1.New
	case "sha256":
		return sha256.New
	case "sha512":
		return sha512.New
	}
	return nil
}

func openCrypto(*lua.LState) *lua.LTable {
	functions := map[string]lua.LGFunction{
		"hmac":   cryptoHMAC,
		"pbkdf2": cryptoPBKDF2,
		"xor":    cryptoXor,
		"equal":  cryptoEqual,
		"random": cryptoRandom,
	}
	for _, name := range []string{"md5", "sha1", "sha256", "sha512"} {
		functions[name] = func(L *lua.LState) int {
			a := vm.Args{L: L, Fn: "crypto." + name}
			h := hashOf(name)()
			h.Write([]byte(a.Text(1, "text")))
			return encodedArgument(a, h.Sum(nil), 2, "hex")
		}
	}
	return ModuleOf(functions)
}

// encoded answers with data in the encoding that argument n names.
func encodedArgument(a vm.Args, data []byte, n int, otherwise string) int {
	switch encoding := a.TextOr(n, "encoding", otherwise); encoding {
	case "hex":
		a.L.Push(lua.LString(hex.EncodeToString(data)))
	case "base64":
		a.L.Push(lua.LString(base64.StdEncoding.EncodeToString(data)))
	case "raw":
		a.L.Push(lua.LString(data))
	default:
		a.Fail(n, "encoding must be hex, base64 or raw, got %s", luaval.KeyText(lua.LString(encoding)))
	}
	return 1
}

// algorithm reads argument 1 as the name of a hash.
func hashAlgorithm(a vm.Args) func() hash.Hash {
	name := a.Text(1, "algorithm")
	h := hashOf(name)
	if h == nil {
		a.Fail(1, "algorithm must be md5, sha1, sha256 or sha512, got %s", luaval.KeyText(lua.LString(name)))
	}
	return h
}

func cryptoHMAC(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "crypto.hmac"}
	h := hmac.New(hashAlgorithm(a), []byte(a.Text(2, "key")))
	h.Write([]byte(a.Text(3, "text")))
	return encodedArgument(a, h.Sum(nil), 4, "hex")
}

// cryptoPBKDF2 gives raw bytes, unless a sixth argument names an encoding.
func cryptoPBKDF2(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "crypto.pbkdf2"}
	h := hashAlgorithm(a)
	password, salt := a.Text(2, "password"), a.Text(3, "salt")
	rounds := a.Integer(4, "rounds", 1, maxDerivedWork)
	length := a.Integer(5, "length", 1, maxDerived)
	size := h().Size()
	if rounds*((length+size-1)/size) > maxDerivedWork {
		a.Fail(4, "rounds are too many for this length")
	}
	return encodedArgument(a, deriveKey(a, h, password, salt, rounds, length), 6, "raw")
}

// deriveRounds is how many rounds are made between two looks at the run, which
// the function of the standard library does not look at.
const deriveRounds = 500

// derive is PBKDF2 of RFC 8018.
func deriveKey(a vm.Args, h func() hash.Hash, password, salt string, rounds, length int) []byte {
	mac := hmac.New(h, []byte(password))
	var key, block, sum []byte
	for i := uint32(1); len(key) < length; i++ {
		mac.Reset()
		mac.Write([]byte(salt))
		mac.Write(binary.BigEndian.AppendUint32(nil, i))
		block = mac.Sum(block[:0])
		sum = append(sum[:0], block...)
		for round := 1; round < rounds; round++ {
			if round%deriveRounds == 0 {
				a.Spend(deriveRounds * 64)
			}
			mac.Reset()
			mac.Write(block)
			block = mac.Sum(block[:0])
			subtle.XORBytes(sum, sum, block)
		}
		key = append(key, sum...)
	}
	return key[:length]
}

func cryptoXor(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "crypto.xor"}
	x, y := a.Text(1, "first"), a.Text(2, "second")
	if len(x) != len(y) {
		a.Fail(2, "second must be as long as first (%d bytes), got %d", len(x), len(y))
	}
	out := make([]byte, len(x))
	subtle.XORBytes(out, []byte(x), []byte(y))
	L.Push(lua.LString(out))
	return 1
}

func cryptoEqual(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "crypto.equal"}
	equal := subtle.ConstantTimeCompare([]byte(a.Text(1, "first")), []byte(a.Text(2, "second")))
	L.Push(lua.LBool(equal == 1))
	return 1
}

// seeded is a host of tests, whose random bytes are the same in every test.
type seeded interface{ Random([]byte) }

func cryptoRandom(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "crypto.random"}
	data := make([]byte, a.Integer(1, "n", 1, maxRandom))
	if s, ok := vm.CallOf(L).Host.(seeded); ok {
		s.Random(data)
	} else {
		rand.Read(data)
	}
	return encodedArgument(a, data, 2, "hex")
}
