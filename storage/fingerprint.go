package storage

import (
	"strings"

	"moonwatch/engine/form"
)

// SealedBy returns the fingerprint of the key that sealed a secret, "" when no
// Sealer wrote it.
func SealedBy(s form.Sealed) string {
	version, rest, _ := strings.Cut(string(s), ".")
	fingerprint, _, ok := strings.Cut(rest, ".")
	if !ok || version != sealVersion {
		return ""
	}
	return fingerprint
}

// FreeSpace returns how many bytes an ordinary user may still write to the disk
// of path; an error also where that cannot be known.
func FreeSpace(path string) (uint64, error) { return freeSpace(path) }
