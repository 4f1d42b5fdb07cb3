package host

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// MaxExecOutput is how much of each of a program's outputs is kept.
const MaxExecOutput = 1 << 20

// execPath is the PATH that programs see.
const execPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Exec runs a program that the operator allows, in a process group of its own
// that is killed when ctx ends.
func (n *Net) Exec(ctx context.Context, req *ExecRequest) (*ExecAnswer, error) {
	if err := n.checkExec(req); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, req.Path, req.Args...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + execPath}
	if _, ok := req.Env["LANG"]; !ok {
		cmd.Env = append(cmd.Env, "LANG=C")
	}
	for name, value := range req.Env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	if req.Stdin != "" {
		cmd.Stdin = strings.NewReader(req.Stdin)
	}
	var stdout, stderr capped
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	// A child of the program that keeps its output open is not waited for.
	cmd.WaitDelay = 500 * time.Millisecond
	ownGroup(cmd)
	err := n.programs.run(cmd)
	if ctx.Err() != nil {
		if cmd.Process != nil {
			NoteUnanswered(ctx) // it ran, and what it got done is not known
		}
		return &ExecAnswer{Code: -1, Stdout: stdout.String(), Stderr: stderr.String()},
			&Error{Timeout, req.Path + " did not end in time"}
	}
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) && !errors.Is(err, exec.ErrWaitDelay) && cmd.ProcessState == nil {
		return nil, explainExec(err, req.Path)
	}
	if code := cmd.ProcessState.ExitCode(); code == 126 || code == 127 {
		// #!/usr/bin/env with a line end of Windows: env says it in words of its own
		if line := interpreterLine(req.Path); strings.HasSuffix(line, "\r") {
			return nil, &Error{Invalid, windowsLine(req.Path)}
		}
	}
	return &ExecAnswer{
		Code:   cmd.ProcessState.ExitCode(),
		Signal: signalOf(cmd.ProcessState),
		Stdout: stdout.String(),
		Stderr: stderr.String(),
	}, nil
}

func (n *Net) checkExec(req *ExecRequest) error {
	if !filepath.IsAbs(req.Path) {
		return &Error{Invalid, "the program must be an absolute path, got " + given(req.Path)}
	}
	if !n.exec[req.Path] {
		if len(req.Path) > maxQuoted {
			return &Error{Denied, "the program is not allowed: start moonwatch with --allow-exec and its path"}
		}
		return &Error{Denied, req.Path + " is not allowed: start moonwatch with --allow-exec " + req.Path}
	}
	for _, arg := range req.Args {
		if strings.Contains(arg, "\x00") {
			return &Error{Invalid, "an argument holds a zero byte"}
		}
	}
	for name, value := range req.Env {
		if name == "" || strings.ContainsAny(name, "=\x00") || strings.Contains(value, "\x00") {
			return &Error{Invalid, "not an environment variable: " + given(name)}
		}
		if namesFile(name, value) {
			return &Error{Denied, "the environment variable " + given(name) + " may not name a file"}
		}
		if !allowedEnv(name) && !slices.Contains(n.options.AllowEnv, name) {
			return &Error{Denied, "the environment variable " + given(name) + " may not be set: a plugin may set " + AllowedEnv +
				"; for others start moonwatch with --allow-env NAME"}
		}
	}
	return nil
}

// AllowedEnv says which environment variables a plugin may set without being asked.
const AllowedEnv = "LANG, LANGUAGE, LC_…, TZ, TERM, COLUMNS, LINES, NO_COLOR, PGPASSWORD, MYSQL_PWD, REDISCLI_AUTH, " +
	"those that the plugin command sets, and names that begin with ALERT_, CHECK_, HOST_, SERVICE_, NAGIOS_, ICINGA_ or MONITOR_"

// allowedEnv reports whether a plugin may set a variable. Only names that say
// nothing to linkers, shells, interpreters and libraries are: there are too many
// of the others to name, by which a plugin would make an allowed program run
// code or read files of its choice.
func allowedEnv(name string) bool {
	switch name {
	case "LANG", "LANGUAGE", "TZ", "TERM", "COLUMNS", "LINES", "NO_COLOR", "PGPASSWORD", "MYSQL_PWD", "REDISCLI_AUTH",
		"OVERALL_STATUS", "OLD_OVERALL_STATUS", "INCIDENT_KEY", "DELIVERY_ID", "ATTEMPT", "FAILING_CHECKS", "PAGE_URL", "INCIDENT_URL":
		return true
	}
	for _, prefix := range []string{"LC_", "ALERT_", "CHECK_", "HOST_", "SERVICE_", "NAGIOS_", "ICINGA_", "MONITOR_"} {
		if strings.HasPrefix(name, prefix) && len(name) > len(prefix) {
			return true
		}
	}
	return false
}

// namesFile reports whether a locale or a time zone is given as a file.
func namesFile(name, value string) bool {
	switch {
	case name == "TZ", name == "LANG", name == "LANGUAGE", name == "TERM", strings.HasPrefix(name, "LC_"):
		return strings.HasPrefix(value, "/") || strings.HasPrefix(value, ":") || strings.Contains(value, "..")
	}
	return false
}

func explainExec(err error, path string) *Error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, gone := os.Stat(path); gone != nil {
			return &Error{NotFound, "no such program: " + path}
		}
		switch line := interpreterLine(path); {
		case strings.HasSuffix(line, "\r"):
			return &Error{Invalid, windowsLine(path)}
		case line != "":
			program, _, _ := strings.Cut(strings.TrimSpace(line[2:]), " ")
			return &Error{NotFound, "the interpreter of " + path + " is not there: " + plainLine(program)}
		}
		return &Error{NotFound, "the loader that " + path + " needs is not there: it was built for another system"}
	case errors.Is(err, syscall.ENOEXEC):
		return &Error{Invalid, path + " cannot be run: it is no program of this system, nor does it begin with #! and an interpreter"}
	case errors.Is(err, fs.ErrPermission):
		return &Error{Denied, "no permission to run " + path}
	}
	return &Error{Invalid, path + " cannot be run: " + plain(err)}
}

// interpreterLine is the first line of a script, "" for what is none. A line end
// of Windows leaves its \r.
func interpreterLine(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	head := make([]byte, 256)
	n, _ := io.ReadFull(f, head)
	line, _, _ := strings.Cut(string(head[:n]), "\n")
	if !strings.HasPrefix(line, "#!") {
		return ""
	}
	return line
}

func windowsLine(path string) string {
	return path + " has line ends of Windows (CR LF): its interpreter is not found; save it with line ends of Unix (LF)"
}

// capped keeps the first MaxExecOutput bytes written to it and drops the rest.
type capped struct{ kept bytes.Buffer }

// Write never fails, so that the program is not ended by a closed pipe.
func (c *capped) Write(p []byte) (int, error) {
	c.kept.Write(p[:min(len(p), MaxExecOutput-c.kept.Len())])
	return len(p), nil
}

// String returns what was kept.
func (c *capped) String() string { return c.kept.String() }
