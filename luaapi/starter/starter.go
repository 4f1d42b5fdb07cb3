// Package starter holds what a new plugin begins with: one check plugin and one
// alert plugin, each with its test. Both pass the linter and their own tests, and
// show what one needs first; `moonwatch plugin new` writes them into a folder, and
// the editor in the browser begins with the same text.
//
// The files beside this one are plugins as they are, named my_check and my_alert.
// A kind and a slug come in, their text with the slug in its place goes out. The
// package knows nothing of folders, of pages, or of how plugins are loaded.
package starter

import (
	"embed"
	"strings"
)

//go:embed *.lua
var files embed.FS

// Check and Alert are the slugs of the plugins as they lie here.
const (
	Check = "my_check"
	Alert = "my_alert"
)

// Plugin returns a new plugin and its test. alert says which kind it is; the slug
// is taken to be one, of letters, digits and _ that begin with a letter.
func Plugin(alert bool, slug string) (source, test string) {
	name, own := "check", Check
	if alert {
		name, own = "alert", Alert
	}
	fill := strings.NewReplacer(own, slug, title(own), title(slug), local(own), local(slug))
	return fill.Replace(text(name + ".lua")), fill.Replace(text(name + "_test.lua"))
}

func text(name string) string {
	b, err := files.ReadFile(name)
	if err != nil {
		panic(err) // it is embedded above
	}
	return string(b)
}

// title is a slug as people read it: Disk space.
func title(slug string) string {
	words := strings.TrimSpace(strings.ReplaceAll(slug, "_", " "))
	return strings.ToUpper(words[:1]) + words[1:]
}

// local is a slug as the name of a table in Lua: DiskSpace.
func local(slug string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(slug, "_") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}
