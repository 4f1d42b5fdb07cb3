//go:build !unix || solaris || illumos || netbsd || aix

package disk

import "errors"

// Free is not known here.
func Free(string) (uint64, error) { return 0, errors.ErrUnsupported }
