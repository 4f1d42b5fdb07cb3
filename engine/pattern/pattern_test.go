package pattern

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestCompileRefuses(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"(", "not a regular expression: missing closing ): `(`"},
		{"(?=x)", "not a regular expression: invalid or unsupported Perl syntax"},
		{strings.Repeat("a", MaxLength+1), "the pattern is longer than 16384 bytes"},
		{strings.Repeat("(.?)", MaxGroups+1), "the pattern has 51 groups; 50 are allowed"},
		{strings.Repeat("(?P<n>x)", 1) + strings.Repeat("()", MaxGroups), "the pattern has 51 groups"},
		{strings.Repeat("(.?)", 3000) + "b", "the pattern has 3000 groups"},
		{strings.Repeat("[ab]{1000}", 30), "the pattern is too large: its repetitions unfold to 60001 steps"},
		{"(?:a?){1000}(?:a?){1000}(?:a?){500}" + strings.Repeat("(a)", 45), "the pattern is too large for its 45 groups"},
		{strings.Repeat(`\pL`, 5400), `the pattern is too large: it has 5400 classes such as \pL`},
		{"[" + strings.Repeat(`\pL`, 5000) + "]", `the pattern is too large: it has 5000 classes`},
		{"(?i)" + strings.Repeat(`[\x{42}-\x{1e942}]`, 90), "the pattern is too large: it ignores case in 90 ranges"},
		{"(?m-s:a)(?si)" + strings.Repeat("[B-\U0001e942]", 90), "the pattern is too large: it ignores case in 90 ranges"},
		{"(((a{30}){30}){30}){30}", "not a regular expression: invalid repeat count"},
	} {
		if _, err := Compile(tt.text); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%.40q: got %v, want %s", tt.text, err, tt.want)
		}
	}
}

// What people write compiles.
func TestCompileTakes(t *testing.T) {
	for _, text := range []string{
		"", "^OK$", `(?i)stra(ß|ss)e`, `\p{Greek}+`, `(?i)[a-zäöü]+`, strings.Repeat("(a)", MaxGroups),
		strings.Repeat("[\u4e00-\u9fff]", 90), `^(\d{1,3}\.){3}\d{1,3}$`, `(?:a?){1000}`, `\Qa(b`,
	} {
		if _, err := Compile(text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// dear are patterns near the bounds, each as dear as it can be in some way.
func dear() map[string]string {
	return map[string]string{
		"groups":       strings.Repeat("(.?)", MaxGroups) + "b",
		"repeats":      "(?:a?){1000}(?:a?){1000}b$",
		"wide":         "(?:a?){1000}" + strings.Repeat("(.*)", 40) + "b$",
		"classes":      strings.Repeat(`\pL?`, maxTables) + "1",
		"folds":        "(?i)" + strings.Repeat(`[\x{42}-\x{1e942}]?`, maxFolds) + "1",
		"quadratic":    "(?:x|a).*b|a",
		"alternatives": "^(?:" + strings.Repeat(`\pL1|`, maxTables) + "x)$",
		"literals":     "^(?:" + distinct(2000) + "x)$",
	}
}

func distinct(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%c%d|", 'a'+i%26, i)
	}
	return b.String()
}

// Compiling is not interruptible: it takes no more than a moment.
func TestCompileIsQuick(t *testing.T) {
	for name, text := range dear() {
		took := time.Hour
		for range 3 { // the machine may be busy with something else
			started := time.Now()
			if _, err := Compile(text); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			took = min(took, time.Since(started))
		}
		if took > slack {
			t.Errorf("%s took %v", name, took)
		}
	}
}

var errEnough = errors.New("enough")

// A search ends soon after it is told to, whatever the pattern, and holds little.
func TestSearchEnds(t *testing.T) {
	text := strings.Repeat("a", 8<<20)
	for name, pattern := range dear() {
		p, err := Compile(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for what, search := range map[string]func(look Look) error{
			"find": func(look Look) error { _, err := p.Find(text, 0, look); return err },
			"rest": func(look Look) error { _, err := p.Find(text, 1, look); return err },
			"all":  func(look Look) error { return p.All(text, look, func([]int) bool { return true }) },
		} {
			until := time.Now().Add(30 * time.Millisecond)
			before := heap()
			most := before
			err := search(func(int) error {
				if time.Now().Before(until) {
					return nil
				}
				most = max(most, heap())
				return errEnough
			})
			if err != nil && err != errEnough {
				t.Errorf("%s, %s: %v", name, what, err)
			}
			if late := time.Since(until); late > slack {
				t.Errorf("%s, %s: ended %v late", name, what, late)
			}
			if held := most - before; held > 16<<20 {
				t.Errorf("%s, %s: held %d MB", name, what, held>>20)
			}
		}
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A shelf of patterns as heavy as they can be stays within its room.
func TestShelfIsBounded(t *testing.T) {
	var s Shelf
	before := heap()
	for i := range 12 {
		for _, pattern := range []string{
			strings.Repeat(`\pL?`, maxTables) + itoa(i),
			"(?:a?){1000}(?:a?){1000}" + itoa(i),
			"(?i)" + strings.Repeat(`[\x{42}-\x{1e942}]?`, maxFolds) + itoa(i),
			"^(?:" + distinct(400) + itoa(i) + ")$",
		} {
			if _, err := s.Compile(pattern); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(s.kept) == 0 || s.weight > shelfRoom {
		t.Errorf("%d patterns of %d bytes are kept", len(s.kept), s.weight)
	}
	if held := int64(heap()) - int64(before); held > 2*shelfRoom {
		t.Errorf("the shelf holds %d MB and reckons with %d", held>>20, s.weight>>20)
	}
	runtime.KeepAlive(&s)
}

func itoa(i int) string { return fmt.Sprint(i) }

var (
	samplePatterns = []string{
		"a", "", "a*", "a+?", `\b`, `\ba`, `^a`, `(?m)^a`, `(?m)^`, `a$`, `(?m)a$`, `\Aa`, `(a)|b`, `(?P<x>a)(b)?`, "a|ab|abc", "x*",
		`(?s).`, `.`, `\B`, `[^a]`, `(?i)É`, "ab", `b\b`, `\w+`, `\s*`, `(a*)*`, `(|a)+`, "\u00e9", `\Qa.b`, `(?U)a+`, `^`, `$`, `\z`,
	}
	sampleTexts = []string{
		"", "a", "ab", "abcab", "aaa bbb\naab", "\n\n", "éaé aÉ", "\xffa\xff", "a.b a.b", "xaxbxc", "abababab", " a ab  abc ", "日本a日本",
	}
)

func TestSearchIsTheLibrarys(t *testing.T) {
	for _, pattern := range samplePatterns {
		for _, text := range sampleTexts {
			checkSame(t, pattern, text)
		}
	}
}

func FuzzSearch(f *testing.F) {
	for _, pattern := range samplePatterns {
		for _, text := range sampleTexts {
			f.Add(pattern, text)
		}
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) < 100 && len(text) < 1000 {
			checkSame(t, pattern, text)
		}
	})
}

// checkSame compares all matches with those of the library, found at once and
// with looks.
func checkSame(t *testing.T, pattern, text string) {
	t.Helper()
	p, err := Compile(pattern)
	if err != nil {
		return
	}
	want := regexp.MustCompile(pattern).FindAllStringSubmatchIndex(text, -1)
	for _, p.atOnce = range []int{atOnce, -1} {
		var got [][]int
		err = p.All(text, func(int) error { return nil }, func(places []int) bool {
			got = append(got, append([]int(nil), places...))
			return true
		})
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q in %q:\n got %v, %v\nwant %v", pattern, text, got, err, want)
		}
	}
}
