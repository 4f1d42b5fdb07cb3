package look

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// Moon is the gauge of the site: full while everything passes, in shadow by the
// share of what fails, and the shadow is red when something is critical.
type Moon struct {
	Phase    int // 0 is full, MoonPhases is dark
	Critical bool
}

// MoonPhases is how many steps there are from full to dark.
const MoonPhases = 16

// firstPhase is the shadow of the first failure: three pixels of sixteen.
const firstPhase = 3

// MoonOf is the moon when so many of all fail. Any failure is to be seen at the
// size of a tab's icon, and only when all fail is it dark.
func MoonOf(failing, all int, critical bool) Moon {
	if failing <= 0 || all <= 0 {
		return Moon{}
	}
	share := min(float64(failing)/float64(all), 1)
	return Moon{Phase: firstPhase + int(math.Floor(share*(MoonPhases-firstPhase))), Critical: critical}
}

// Name names the phase in an address: "5", or "5c" when something is critical.
func (m Moon) Name() string {
	if m.Critical {
		return strconv.Itoa(m.Phase) + "c"
	}
	return strconv.Itoa(m.Phase)
}

// MoonNamed is the moon of a name; ok is false when it is none.
func MoonNamed(name string) (m Moon, ok bool) {
	digits, critical := strings.CutSuffix(name, "c")
	phase, err := strconv.Atoi(digits)
	m = Moon{phase, critical}
	return m, err == nil && phase >= 0 && phase <= MoonPhases && m.Name() == name
}

// shadow is the outline of the shadow on a disc of radius r around (c, c): the
// right limb, and back along half an ellipse.
func (m Moon) shadow(c, r float64) string {
	edge := r * (1 - 2*float64(m.Phase)/MoonPhases)
	sweep := 0
	if edge < 0 {
		sweep = 1
	}
	return fmt.Sprintf("M%g %gA%g %g 0 0 1 %g %gA%.2f %g 0 0 %d %g %gz", c, c-r, r, r, c, c+r, math.Abs(edge), r, sweep, c, c-r)
}

// Draw draws the moon in a page; what it says stands in words elsewhere.
func (m Moon) Draw() template.HTML {
	class := "shadow"
	if m.Critical {
		class += " blood"
	}
	shadow := ""
	if m.Phase > 0 {
		shadow = `<path class="` + class + `" d="` + m.shadow(13, 12) + `"/>`
	}
	return template.HTML(`<svg class="moon" width="26" height="26" viewBox="0 0 26 26" aria-hidden="true"><circle class="disc" cx="13" cy="13" r="12"/>` +
		shadow + `<circle class="rim" cx="13" cy="13" r="12"/></svg>`)
}

// Image draws the moon as a file of its own, for tabs: on light and dark alike.
func (m Moon) Image() []byte {
	shadow := ""
	if m.Phase > 0 {
		colour := "#20233f"
		if m.Critical {
			colour = "#c41f12"
		}
		shadow = `<path fill="` + colour + `" d="` + m.shadow(16, 15) + `"/>`
	}
	return []byte(`<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32" viewBox="0 0 32 32"><circle cx="16" cy="16" r="15" fill="#f0d68a"/>` +
		shadow + `<circle cx="16" cy="16" r="15" fill="none" stroke="#b98a1e" stroke-width="1.5"/></svg>` + "\n")
}
