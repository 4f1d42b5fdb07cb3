package lualib

// The classes of characters that patterns know, in the C locale.
const (
	isAlpha byte = 1 << iota
	isNumeral
	isLower
	isBlank
	isUpper
	isPunct
	isControl
	isHex
)

// charClasses holds the classes of each ASCII character; the bytes above have none.
const charClasses = "\x40\x40\x40\x40\x40\x40\x40\x40\x40\x48\x48\x48\x48\x48\x40\x40" +
	"\x40\x40\x40\x40\x40\x40\x40\x40\x40\x40\x40\x40\x40\x40\x40\x40" +
	"\x08\x20\x20\x20\x20\x20\x20\x20\x20\x20\x20\x20\x20\x20\x20\x20" +
	"\x82\x82\x82\x82\x82\x82\x82\x82\x82\x82\x20\x20\x20\x20\x20\x20" +
	"\x20\x91\x91\x91\x91\x91\x91\x11\x11\x11\x11\x11\x11\x11\x11\x11" +
	"\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x20\x20\x20\x20\x20" +
	"\x20\x85\x85\x85\x85\x85\x85\x05\x05\x05\x05\x05\x05\x05\x05\x05" +
	"\x05\x05\x05\x05\x05\x05\x05\x05\x05\x05\x05\x20\x20\x20\x20\x40"

// inClass reports whether c is in the class that a letter after % names; any
// other character names itself.
func inClass(c, class byte) bool {
	var mask byte
	switch class | 0x20 {
	case 'a':
		mask = isAlpha
	case 'c':
		mask = isControl
	case 'd':
		mask = isNumeral
	case 'l':
		mask = isLower
	case 'p':
		mask = isPunct
	case 's':
		mask = isBlank
	case 'u':
		mask = isUpper
	case 'w':
		mask = isAlpha | isNumeral
	case 'x':
		mask = isHex
	case 'z':
		return (c == 0) == (class == 'z')
	default:
		return c == class
	}
	// a capital names the complement; | 0x20 makes letters of letters alone
	in := c < 128 && charClasses[c]&mask != 0
	return in == (class&0x20 != 0)
}
