// Package plugins holds the plugins that ship in the binary: Lua files over the
// modules of the plugin contract, and over those in shipped, which any plugin may
// require. README.md is the guide to writing one.
package plugins

import (
	"embed"
	"io/fs"
)

//go:embed *.lua */*.lua
var files embed.FS

// Files returns the shipped plugins, a file or a folder each, at the top level
// of a read-only file system, and the modules that ship in its folder shipped.
func Files() fs.FS { return files }
