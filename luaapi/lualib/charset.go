package lualib

// charset is a set of bytes.
type charset [4]uint64

func (s *charset) has(c byte) bool { return s[c>>6]&(1<<(c&63)) != 0 }
func (s *charset) add(c byte)      { s[c>>6] |= 1 << (c & 63) }

func (s *charset) addRange(from, to byte) {
	for c := int(from); c <= int(to); c++ {
		s.add(byte(c))
	}
}

func (s *charset) addClass(class byte) {
	for c := range 256 {
		if inClass(byte(c), class) {
			s.add(byte(c))
		}
	}
}

// parseSet reads the set at p[i] == '[', whose closing bracket is at p[end-1].
func parseSet(p string, i, end int) charset {
	var s charset
	i++
	negated := p[i] == '^'
	if negated {
		i++
	}
	for last := end - 1; i < last; {
		switch {
		case p[i] == '%' && i+1 < last:
			s.addClass(p[i+1])
			i += 2
		case i+2 < last && p[i+1] == '-':
			s.addRange(p[i], p[i+2])
			i += 3
		default:
			s.add(p[i])
			i++
		}
	}
	if negated {
		for w := range s {
			s[w] = ^s[w]
		}
	}
	return s
}
