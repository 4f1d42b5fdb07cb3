package cli

import (
	"strings"

	"github.com/alecthomas/kong"

	"moonwatch/engine/form"
)

// nearestCommand adds the nearest command to the complaint about a first word that
// is none. The parser itself does so for other words and for flags, but takes that
// one for an argument of serve, which is the default.
func nearestCommand(complaint string, root *kong.Node) string {
	word, unknown := strings.CutPrefix(complaint, "unexpected argument ")
	if !unknown || strings.Contains(word, " ") {
		return complaint
	}
	var known []string
	for _, command := range root.Children {
		known = append(known, command.Name)
	}
	if near := form.Nearest(word, known); near != "" {
		return complaint + "; did you mean " + near + "?"
	}
	return complaint
}
