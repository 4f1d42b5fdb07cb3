//go:build !linux

package host

import "os/exec"

// programs runs programs. Nothing is inherited from them but on Linux.
type programs struct{}

func (p *programs) run(cmd *exec.Cmd) error {
	err := cmd.Run()
	if cmd.Process != nil {
		killGroup(cmd)
	}
	return err
}
