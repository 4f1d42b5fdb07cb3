package rota

import (
	_ "embed"
	"strings"
	"sync"
)

// windowsZonesText is the table as it stands in windowszones.txt.
//
//go:embed windowszones.txt
var windowsZonesText string

// windowsZones holds the IANA zones by Windows name in lower case.
var windowsZones = sync.OnceValue(func() map[string]string { return readWindowsZones(windowsZonesText) })

// windowsZone returns the IANA zone of a Windows time zone name (lower case),
// "" for any other name.
func windowsZone(name string) string { return windowsZones()[name] }

// readWindowsZones reads lines of a name, a tab and a zone; lines that begin with
// # are comments.
func readWindowsZones(text string) map[string]string {
	zones := map[string]string{}
	for line := range strings.Lines(text) {
		name, zone, isRow := strings.Cut(strings.TrimSpace(line), "\t")
		if isRow && !strings.HasPrefix(line, "#") {
			zones[name] = zone
		}
	}
	return zones
}
