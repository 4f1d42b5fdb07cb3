package look

import (
	"encoding/xml"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestContrast computes how well each text reads on each ground it stands on, by
// day and by night, from the style that pages load.
func TestContrast(t *testing.T) {
	style, err := Files.ReadFile("tokens.css")
	if err != nil {
		t.Fatal(err)
	}
	tokens := map[string][2]string{}
	for _, m := range regexp.MustCompile(`--([a-z0-9-]+): (?:light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)|(#[0-9a-f]{6}));`).FindAllStringSubmatch(string(style), -1) {
		tokens[m[1]] = [2]string{m[2] + m[4], m[3] + m[4]}
	}
	for _, c := range []struct {
		least             float64
		inks, theirGround string
	}{
		{4.5, "ink ink-2 accent passing warning error critical-ink unknown pending", "ground surface sunken"},
		{4.5, "ink-2 warning", "warning-soft"},
		{4.5, "ink-2 error", "error-soft"},
		{4.5, "ink ink-2", "accent-soft passing-soft unknown-soft"},
		{4.5, "on-critical", "critical"},
		{4.5, "critical-on-white", "on-critical"},
		{4.5, "on-moon", "moon-fill"},
		{4.5, "accent-ink", "accent"},
		{4.5, "ink-inverse", "ink"},
		{3, "line-strong focus error-fill critical unknown plot", "ground surface"},
	} {
		for _, ink := range strings.Fields(c.inks) {
			for _, ground := range strings.Fields(c.theirGround) {
				for at, theme := range []string{"day", "night"} {
					if got := contrast(t, tokens[ink][at], tokens[ground][at]); got < c.least {
						t.Errorf("%s: %s on %s is %.2f, want %v", theme, ink, ground, got, c.least)
					}
				}
			}
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + .05) / (min(x, y) + .05)
}

func luminance(t *testing.T, colour string) (sum float64) {
	t.Helper()
	n, err := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 32)
	if err != nil {
		t.Fatalf("a token is missing or no colour: %v", err)
	}
	for i, weight := range []float64{.2126, .7152, .0722} {
		v := float64(n>>(16-8*i)&255) / 255
		if v <= .04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+.055)/1.055, 2.4)
		}
		sum += weight * v
	}
	return sum
}

// TestMoon holds that the first failure is seen in a tab, that only the failure of
// all is dark, and that each phase has one name.
func TestMoon(t *testing.T) {
	for _, c := range []struct {
		failing, all int
		critical     bool
		want         string
	}{
		{0, 0, false, "0"}, {0, 9, false, "0"}, {1, 5000, false, "3"}, {1, 5000, true, "3c"}, {1, 2, false, "9"}, {4999, 5000, false, "15"}, {7, 7, true, "16c"},
	} {
		m := MoonOf(c.failing, c.all, c.critical)
		if m.Name() != c.want {
			t.Errorf("%d of %d is %q, want %q", c.failing, c.all, m.Name(), c.want)
		}
		if again, ok := MoonNamed(m.Name()); !ok || again != m {
			t.Errorf("%q is %v %v", m.Name(), again, ok)
		}
		for _, image := range []string{string(m.Image()), string(m.Draw())} {
			if err := xml.Unmarshal([]byte(image), new(struct{ XMLName xml.Name })); err != nil || strings.Contains(image, "<path") != (m.Phase > 0) {
				t.Errorf("%q is drawn as %s: %v", m.Name(), image, err)
			}
		}
	}
	for _, name := range []string{"", "c", "17", "-1", "03", "3cc", "+3"} {
		if _, ok := MoonNamed(name); ok {
			t.Errorf("%q names a moon", name)
		}
	}
}

// TestStrip holds its one meaning, the worse the taller, and that it is small
// where nobody can point at a bar.
func TestStrip(t *testing.T) {
	kinds := []Kind{None, Passing, Unknown, Warning, Error, Critical}
	for i := range kinds[1:] {
		if kinds[i].height() >= kinds[i+1].height() {
			t.Errorf("%s is not lower than %s", kinds[i], kinds[i+1])
		}
	}
	s := Strip{Room: 6, Label: `a "b"`, Last: "7"}
	for _, k := range kinds[1:] {
		s.Bars = append(s.Bars, Bar{Kind: k}, Bar{Kind: k, Text: "<script>"})
	}
	drawn := string(s.Draw())
	if n := strings.Count(drawn, "<path"); n != 10 || strings.Contains(drawn, "<script") || !strings.Contains(drawn, `aria-label="a &#34;b&#34;"`) || !strings.Contains(drawn, `data-last="7"`) {
		t.Errorf("%d paths: %s", n, drawn)
	}
	if short := (Strip{Room: 60, Bars: s.Bars[:1]}).Draw(); strings.Count(string(short), "<path") != 2 {
		t.Errorf("a strip of one bar is %s", short)
	}
}
