package cli

import (
	"fmt"
	"runtime/debug"
	"strings"
)

// version is the program's own. Only Main sets it, before any command runs.
var version = builtVersion(debug.ReadBuildInfo())

// builtVersion is the version that Go recorded in the binary: of the module when
// it was installed as one or built at a tag, or else "dev" with the commit. A
// build that knows neither is "dev".
func builtVersion(info *debug.BuildInfo, ok bool) string {
	if !ok {
		return "dev"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return strings.TrimPrefix(v, "v")
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "dev-" + s.Value[:12]
		}
	}
	return "dev"
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(s streams) error {
	fmt.Fprintln(s.out, "moonwatch", version)
	return nil
}
