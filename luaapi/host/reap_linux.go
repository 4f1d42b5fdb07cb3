package host

import (
	"syscall"
	"time"
)

// reapTime is how long is waited for the processes of a group that was killed.
const reapTime = 5 * time.Second

// reap takes what is left of a program that has ended and was waited for: as
// process 1 of a container, the monitor inherits children that the program left,
// and they would stay as zombies. It looks at that program's group alone, so it
// takes no other program's end away. It returns at once.
func reap(group int) {
	if done(group) {
		return
	}
	go func() {
		for end := time.Now().Add(reapTime); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			if done(group) {
				return
			}
		}
	}()
}

// done reaps what has ended of a group, and reports whether nothing of it is ours.
func done(group int) bool {
	for {
		switch pid, err := syscall.Wait4(-group, nil, syscall.WNOHANG, nil); {
		case err == syscall.EINTR:
		case err != nil: // it has no child of ours
			return true
		case pid == 0: // one that still ends; while it is there the number is not given anew
			return false
		}
	}
}
