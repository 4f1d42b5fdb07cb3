package module

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/internal/vm"
	"moonwatch/luaapi/lualib"
)

// maxUnpacked is how many values one unpack returns.
const maxUnpacked = 8000

// bytesUnpack is unpack(format, text [, position]): the values, and the place
// of the first byte that was not read. Text that is too short gives nil,
// message, kind: it came from outside.
func bytesUnpack(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "bytes.unpack"}
	f := newPackFormat(a.Text(1, "format"))
	u := unpacker{Args: a, data: a.Text(2, "text")}
	if a.Has(3) {
		u.at = a.Integer(3, "position", -len(u.data), len(u.data)+1)
		if u.at < 0 {
			u.at += len(u.data) + 1
		}
		u.at = max(u.at-1, 0)
	}
	var values []lua.LValue
	for items := 1; ; items++ {
		if items%vm.LookFrom == 0 {
			a.Spend(vm.LookFrom)
		}
		item := f.next()
		u.skip(f.padding(item, u.at))
		if f.problem != "" {
			a.Fail(1, "%s", f.problem)
		}
		if item.kind == packEnd {
			break
		}
		v := u.item(f.order, item)
		if u.short {
			return vm.Failed(L, vm.Invalid("the text is too short for the format"))
		}
		if v != nil {
			values = append(values, v)
		}
		if len(values) > maxUnpacked {
			a.Fail(1, "the format has more than %d values", maxUnpacked)
		}
	}
	for _, v := range values {
		L.Push(v)
	}
	L.Push(lua.LNumber(u.at + 1))
	return len(values) + 1
}

// unpacker reads data from at on.
type unpacker struct {
	vm.Args
	data  string
	at    int
	short bool // the data ended too early
}

// skip moves on by n bytes.
func (u *unpacker) skip(n int) { u.take(n) }

// take returns the next n bytes.
func (u *unpacker) take(n int) string {
	if u.short || n > len(u.data)-u.at {
		u.short = true
		return ""
	}
	taken := lualib.Part(u.data, u.data[u.at:u.at+n])
	u.at += n
	return taken
}

// item reads one item; nil is an item without a value.
func (u *unpacker) item(order binary.AppendByteOrder, item packItem) lua.LValue {
	switch item.kind {
	case packInt, packUint:
		return u.integer(order, item)
	case packFloat:
		b := u.ordered(order, 4)
		return lua.LNumber(math.Float32frombits(binary.LittleEndian.Uint32(b[:])))
	case packDouble:
		b := u.ordered(order, 8)
		return lua.LNumber(math.Float64frombits(binary.LittleEndian.Uint64(b[:])))
	case packFixed:
		return lua.LString(u.take(item.size))
	case packCounted:
		b := u.ordered(order, item.size)
		length := binary.LittleEndian.Uint64(b[:])
		if length > vm.MaxBuilt {
			u.short = true
			return nil
		}
		return lua.LString(u.take(int(length)))
	case packZero:
		end := strings.IndexByte(u.data[u.at:], 0)
		if end < 0 {
			u.short = true
			return nil
		}
		text := u.take(end)
		u.skip(1)
		return lua.LString(text)
	case packPad:
		u.skip(1)
	}
	return nil
}

// ordered takes n bytes, the lowest first.
func (u *unpacker) ordered(order binary.AppendByteOrder, n int) [16]byte {
	var b [16]byte
	taken := u.take(n)
	for i := range len(taken) {
		if order == binary.AppendByteOrder(binary.BigEndian) {
			b[len(taken)-1-i] = taken[i]
		} else {
			b[i] = taken[i]
		}
	}
	return b
}

// integer reads an integer; one that no number holds exactly is text.
func (u *unpacker) integer(order binary.AppendByteOrder, item packItem) lua.LValue {
	b := u.ordered(order, item.size)
	negative := item.kind == packInt && b[item.size-1]&0x80 != 0
	fill := byte(0)
	if negative {
		fill = 0xff
	}
	for i := item.size; i < 8; i++ {
		b[i] = fill
	}
	for i := 8; i < item.size; i++ {
		if b[i] != fill && !u.short {
			u.Fail(1, "%d-byte integer does not fit 64 bits", item.size)
		}
	}
	bits := binary.LittleEndian.Uint64(b[:8])
	if item.kind == packInt {
		n := int64(bits)
		if n > 1<<53 || n < -1<<53 {
			return lua.LString(strconv.FormatInt(n, 10))
		}
		return lua.LNumber(n)
	}
	if bits > 1<<53 {
		return lua.LString(strconv.FormatUint(bits, 10))
	}
	return lua.LNumber(bits)
}
