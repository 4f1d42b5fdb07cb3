package cli

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// maxSocketPath is the longest path that a Unix socket can have on all systems.
const maxSocketPath = 100

// listenSocket listens on the socket by which commands reach the running
// monitor. Whoever may open the data folder may use it. It is made in a private
// folder and moved from there: at no time can others open it.
func listenSocket(path string) (_ net.Listener, err error) {
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("the path %s is too long for a socket", path)
	}
	private, err := os.MkdirTemp(filepath.Dir(path), ".s") // mode 0700
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(private)) }()
	made := filepath.Join(private, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: made, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false) // under the name that it no longer has
	if err := errors.Join(os.Chmod(made, 0o600), os.Rename(made, path)); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return movedListener{l, path}, nil
}

// movedListener removes its socket from where it was moved to.
type movedListener struct {
	*net.UnixListener
	path string
}

// Close stops listening.
func (l movedListener) Close() error {
	err := l.UnixListener.Close()
	if err == nil {
		os.Remove(l.path) // one that stays is taken for a monitor's that has ended
	}
	return err
}
