package module

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/internal/vm"
)

// openBytes opens bytes: Lua 5.3's string.pack and string.unpack, with the
// sizes of a 64-bit machine. Integers beyond 2^53, which a number cannot hold,
// are decimal text on both ways.
func openBytes(*lua.LState) *lua.LTable {
	return ModuleOf(map[string]lua.LGFunction{"pack": bytesPack, "unpack": bytesUnpack})
}

// packKind is the sort of one item of a format.
type packKind int

const (
	packEnd packKind = iota
	packInt
	packUint
	packFloat
	packDouble
	packFixed   // cn
	packCounted // sn
	packZero    // z
	packPad     // x
	packAlign   // X
	packNothing
)

// packFormat reads a format item by item.
type packFormat struct {
	text     string
	order    binary.AppendByteOrder
	maxAlign int
	problem  string
}

// packItem is one item of a format, with the padding that goes before it.
type packItem struct {
	kind  packKind
	size  int
	align int // of what follows; 0 and 1 are none
}

func newPackFormat(text string) *packFormat {
	return &packFormat{text: text, order: binary.LittleEndian, maxAlign: 1}
}

func (f *packFormat) fail(format string, values ...any) packItem {
	f.problem = fmt.Sprintf(format, values...)
	return packItem{kind: packEnd}
}

// number reads a number in the format, or gives otherwise.
func (f *packFormat) number(otherwise int) int {
	end, n := 0, 0
	for end < len(f.text) && f.text[end] >= '0' && f.text[end] <= '9' {
		n = min(n*10+int(f.text[end]-'0'), 1<<30)
		end++
	}
	if end == 0 {
		return otherwise
	}
	f.text = f.text[end:]
	return n
}

// size reads the size of an integer.
func (f *packFormat) size(otherwise int) int {
	n := f.number(otherwise)
	if n < 1 || n > 16 {
		f.fail("integral size (%d) out of limits [1,16]", n)
		return 1
	}
	return n
}

// next returns the next item.
func (f *packFormat) next() packItem {
	if f.text == "" {
		return packItem{kind: packEnd}
	}
	c := f.text[0]
	f.text = f.text[1:]
	switch c {
	case 'b', 'B':
		return f.integer(c == 'b', 1)
	case 'h', 'H':
		return f.integer(c == 'h', 2)
	case 'i', 'I':
		return f.integer(c == 'i', f.size(4))
	case 'l', 'j':
		return f.integer(true, 8)
	case 'L', 'J', 'T':
		return f.integer(false, 8)
	case 'f':
		return packItem{kind: packFloat, size: 4, align: 4}
	case 'd', 'n':
		return packItem{kind: packDouble, size: 8, align: 8}
	case 'c':
		n := f.number(-1)
		if n < 0 {
			return f.fail("missing size for format option 'c'")
		}
		return packItem{kind: packFixed, size: n}
	case 's':
		n := f.size(8)
		return packItem{kind: packCounted, size: n, align: n}
	case 'z':
		return packItem{kind: packZero}
	case 'x':
		return packItem{kind: packPad, size: 1}
	case 'X':
		return f.alignTo()
	}
	return f.setting(c)
}

func (f *packFormat) integer(signed bool, size int) packItem {
	kind := packUint
	if signed {
		kind = packInt
	}
	return packItem{kind: kind, size: size, align: size}
}

// alignTo is X: padding as the next item would have, without it.
func (f *packFormat) alignTo() packItem {
	if strings.HasPrefix(f.text, "X") {
		return f.fail("invalid next option for option 'X'")
	}
	item := f.next()
	if f.problem != "" || item.align == 0 {
		return f.fail("invalid next option for option 'X'")
	}
	return packItem{kind: packAlign, align: item.align}
}

func (f *packFormat) setting(c byte) packItem {
	switch c {
	case '<', '=':
		f.order = binary.LittleEndian
	case '>':
		f.order = binary.BigEndian
	case '!':
		f.maxAlign = f.size(8)
	case ' ':
	default:
		return f.fail("invalid format option '%s'", keyTextOf(string([]byte{c})))
	}
	return packItem{kind: packNothing}
}

// padding returns how many bytes go before an item at a place.
func (f *packFormat) padding(item packItem, at int) int {
	align := min(item.align, f.maxAlign)
	if align <= 1 {
		return 0
	}
	if align&(align-1) != 0 {
		f.fail("format asks for alignment not power of 2")
		return 0
	}
	return (align - at&(align-1)) & (align - 1)
}

func bytesPack(L *lua.LState) int {
	p := packer{Args: vm.Args{L: L, Fn: "bytes.pack"}, n: 1}
	f := newPackFormat(p.Text(1, "format"))
	for items := 1; ; items++ {
		if items%vm.LookFrom == 0 {
			p.Spend(vm.LookFrom)
		}
		item := f.next()
		for range f.padding(item, len(p.out)) {
			p.out = append(p.out, 0)
		}
		if f.problem != "" {
			p.Fail(1, "%s", f.problem)
		}
		if item.kind == packEnd {
			L.Push(lua.LString(p.out))
			return 1
		}
		p.item(f.order, item)
		if len(p.out) > vm.MaxBuilt {
			p.Fail(1, "the result would be longer than %d bytes", vm.MaxBuilt)
		}
	}
}

// packer builds the result of bytes.pack. n is the argument that was used last.
type packer struct {
	vm.Args
	n   int
	out []byte
}

func (p *packer) item(order binary.AppendByteOrder, item packItem) {
	switch item.kind {
	case packNothing, packAlign:
	case packPad:
		p.out = append(p.out, 0)
	case packInt, packUint:
		p.n++
		p.integer(order, item, p.integerArgument(item))
	case packFloat:
		p.n++
		p.out = order.AppendUint32(p.out, math.Float32bits(float32(p.float())))
	case packDouble:
		p.n++
		p.out = order.AppendUint64(p.out, math.Float64bits(p.float()))
	default:
		p.n++
		p.string(order, item, p.Text(p.n, "value"))
	}
}

// float reads a number, infinities and NaN included.
func (p *packer) float() float64 {
	v, ok := p.L.Get(p.n).(lua.LNumber)
	if !ok {
		p.WrongType(p.n, "value", "a number")
	}
	return float64(v)
}

// wide is an integer of 64 bits and its sign, which fills wider items.
type wide struct {
	bits     uint64
	negative bool
}

// integerArgument reads a whole number, or decimal text, that fits the item.
func (p *packer) integerArgument(item packItem) wide {
	var v wide
	switch arg := p.L.Get(p.n).(type) {
	case lua.LString:
		n, err := strconv.ParseInt(string(arg), 10, 64)
		v = wide{uint64(n), n < 0}
		if err != nil {
			u, err := strconv.ParseUint(string(arg), 10, 64)
			if err != nil {
				p.Fail(p.n, "value must be a whole number of 64 bits")
			}
			v = wide{u, false}
		}
	default:
		f := p.Number(p.n, "value")
		if f != math.Trunc(f) || f < -(1<<63) || f >= 1<<64 {
			p.Fail(p.n, "value must be a whole number of 64 bits")
		}
		v = wide{uint64(int64(f)), f < 0}
		if f >= 1<<63 {
			v.bits = uint64(f)
		}
	}
	if !v.fits(item) {
		p.Fail(p.n, "value does not fit %d bytes", item.size)
	}
	return v
}

func (v wide) fits(item packItem) bool {
	if item.kind == packUint {
		// As in Lua, a negative number is taken as its 64 bits where all fit.
		return item.size >= 8 || v.bits>>(8*item.size) == 0
	}
	if item.size >= 8 {
		return item.size > 8 || v.negative || v.bits < 1<<63
	}
	limit := uint64(1) << (8*item.size - 1)
	return v.negative && -v.bits <= limit || !v.negative && v.bits < limit
}

func (p *packer) integer(order binary.AppendByteOrder, item packItem, v wide) {
	var b [16]byte
	if v.negative {
		for i := range b {
			b[i] = 0xff
		}
	}
	binary.LittleEndian.PutUint64(b[:8], v.bits)
	for i := range item.size {
		if order == binary.AppendByteOrder(binary.BigEndian) {
			p.out = append(p.out, b[item.size-1-i])
		} else {
			p.out = append(p.out, b[i])
		}
	}
}

func (p *packer) string(order binary.AppendByteOrder, item packItem, s string) {
	switch item.kind {
	case packFixed:
		if len(s) > item.size {
			p.Fail(p.n, "value is longer than %d bytes", item.size)
		}
		if len(p.out)+item.size > vm.MaxBuilt {
			p.Fail(1, "the result would be longer than %d bytes", vm.MaxBuilt)
		}
		p.out = append(p.out, s...)
		p.out = append(p.out, make([]byte, item.size-len(s))...)
	case packCounted:
		length := wide{bits: uint64(len(s))}
		if !length.fits(packItem{kind: packUint, size: item.size}) {
			p.Fail(p.n, "value is too long for a count of %d bytes", item.size)
		}
		p.integer(order, item, length)
		p.out = append(p.out, s...)
	case packZero:
		for i := range len(s) {
			if s[i] == 0 {
				p.Fail(p.n, "value holds a zero byte")
			}
		}
		p.out = append(append(p.out, s...), 0)
	}
}
