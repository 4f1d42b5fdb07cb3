package cli

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo-terminal: what people see and type, and what programs read.
func terminal(t *testing.T) (people, program *os.File) {
	t.Helper()
	people, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("there are no pseudo-terminals: ", err)
	}
	t.Cleanup(func() { people.Close() })
	fd := int(people.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return people, program
}

// TestPasswordIsNotShown: on a terminal a password is asked for twice, and is not
// seen as it is typed.
func TestPasswordIsNotShown(t *testing.T) {
	for name, tt := range map[string]struct{ first, again, want, bad string }{
		"the same": {"correct horse", "correct horse", "correct horse", ""},
		"another":  {"correct horse", "correct house", "", "differ"},
		"empty":    {"", "", "", "no password"},
	} {
		t.Run(name, func(t *testing.T) {
			people, program := terminal(t)
			shown := make(chan string, 1)
			go func() {
				var all strings.Builder
				typed := 0
				for buffer := make([]byte, 1024); ; {
					n, err := people.Read(buffer)
					all.Write(buffer[:n])
					for i, prompt := range []string{"Password: ", "again: "} { // typed once it is asked for
						if typed == i && strings.HasSuffix(all.String(), prompt) {
							typed++
							fmt.Fprint(people, []string{tt.first, tt.again}[i]+"\r")
						}
					}
					if err != nil {
						shown <- all.String()
						return
					}
				}
			}()
			got, err := readPassword(streams{in: program, err: program}, false)
			if got != tt.want || (err == nil) != (tt.bad == "") || err != nil && !strings.Contains(err.Error(), tt.bad) {
				t.Errorf("read %q, %v", got, err)
			}
			program.Close()
			select {
			case text := <-shown:
				if strings.Contains(text, "correct") {
					t.Errorf("the terminal shows %q", text)
				}
			case <-time.After(5 * time.Second):
				t.Error("the terminal is open")
			}
		})
	}
}
