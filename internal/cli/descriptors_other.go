//go:build !unix

package cli

// descriptors is how many files and connections this process may have open.
func descriptors() int { return 1 << 14 }
