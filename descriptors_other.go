//go:build !unix

package main

// descriptors is how many files and connections this process may have open.
func descriptors() int { return 1 << 14 }
