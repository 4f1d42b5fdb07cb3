package host

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// programs are those that were started and not waited for yet. Its zero value is
// ready.
type programs struct {
	mu      sync.RWMutex // held for reading while one starts, and for writing while others' ends are taken
	running sync.Map     // by pid
	again   atomic.Bool  // reap is called once more in a while
	heir    bool         // for tests: orphans come to this process though it is not process 1
}

// run runs a program that has a process group of its own, and leaves nothing of it
// behind.
func (p *programs) run(cmd *exec.Cmd) error {
	p.mu.RLock()
	err := cmd.Start()
	if err == nil {
		p.running.Store(cmd.Process.Pid, true)
	}
	p.mu.RUnlock()
	if err != nil {
		return err
	}
	err = cmd.Wait()
	p.running.Delete(cmd.Process.Pid)
	killGroup(cmd)
	if (p.heir || os.Getpid() == 1) && p.again.CompareAndSwap(false, true) {
		time.AfterFunc(reapPause, p.reap) // what was killed takes a moment
	}
	return err
}

// reapPause gathers the programs that end about the same time.
const reapPause = 200 * time.Millisecond

// reap takes the ends of what programs left behind: as process 1 of a container
// the monitor inherits their children, and they would stay as zombies. What still
// runs is taken when a later program ends.
func (p *programs) reap() {
	p.again.Store(false)
	p.mu.Lock()
	defer p.mu.Unlock()
	lists, _ := filepath.Glob("/proc/self/task/*/children")
	for _, list := range lists {
		children, _ := os.ReadFile(list) // a thread may be gone
		for field := range strings.FieldsSeq(string(children)) {
			pid, err := strconv.Atoi(field)
			if _, ours := p.running.Load(pid); err != nil || ours || !ended(pid) {
				continue
			}
			syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
		}
	}
}

// ended reports whether a process has ended and nobody waited for it.
func ended(pid int) bool {
	stat, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	_, rest, found := strings.Cut(string(stat), ") ")
	return found && strings.HasPrefix(rest, "Z")
}
