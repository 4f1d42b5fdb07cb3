package form

import "strings"

// Nearest returns the candidate that is most like name, at most two edits away
// and without regard to case; "" when none is near.
func Nearest(name string, candidates []string) string {
	if len(name) > 100 {
		return ""
	}
	limit := 2
	if n := len([]rune(name)); n <= 3 {
		limit = 1
	}
	best, found := limit+1, ""
	for _, c := range candidates {
		if d := distance(strings.ToLower(name), strings.ToLower(c)); d < best {
			best, found = d, c
		}
	}
	return found
}

// Closest is Nearest, and when nothing is so near, the candidate that shares the
// longest beginning with name (success for succeeded), else the one fewest edits
// away. It is "" for no candidates and for a name of over 100 bytes.
func Closest(name string, candidates []string) string {
	if near := Nearest(name, candidates); near != "" || len(name) > 100 {
		return near
	}
	shared, edits, found := 0, 0, ""
	for _, c := range candidates {
		s, d := sharedStart(strings.ToLower(name), strings.ToLower(c)), distance(strings.ToLower(name), strings.ToLower(c))
		if s < 3 {
			s = 0
		}
		if found == "" || s > shared || s == shared && d < edits {
			shared, edits, found = s, d, c
		}
	}
	return found
}

// sharedStart is how many bytes a and b begin with alike.
func sharedStart(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// distance counts edits: a letter put in, left out, replaced, or two
// neighbours swapped.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(x)][len(y)]
}

// printable cuts a name that a client chose, so that it can stand in a location.
func printable(name string) string {
	name = strings.ToValidUTF8(name, "\uFFFD")
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '\uFFFD'
		}
		return r
	}, name)
	if runes := []rune(name); len(runes) > 64 {
		return string(runes[:64]) + "…"
	}
	return name
}
