//go:build unix

package host

import "syscall"

// prober returns what looks at an idle connection without waiting: whether it
// is open and, unless TLS has messages of its own, whether nothing came that
// was not asked for, as a farewell.
func prober(raw syscall.RawConn, tls bool) func() bool {
	var one [1]byte
	quiet := false
	look := func(fd uintptr) bool {
		n, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK)
		quiet = err == syscall.EAGAIN || err == syscall.EWOULDBLOCK || tls && err == nil && n > 0
		return true // do not wait
	}
	return func() bool { return raw.Read(look) == nil && quiet }
}
