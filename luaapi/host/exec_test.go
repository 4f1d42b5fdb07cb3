//go:build unix

package host

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// script writes an executable shell script and returns its path.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "check")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func execNet(t *testing.T, paths ...string) *Net {
	return newNet(t, func(o *Options) { o.AllowExec = paths })
}

func TestExec(t *testing.T) {
	path := script(t, `echo "out $1 $2 $CHECK_X $LANG $HOME"; cat; echo err >&2; exit 3`)
	got, err := execNet(t, path).Exec(within(t, 5*time.Second), &ExecRequest{
		Path: path, Args: []string{"a b", "$(id)"}, Stdin: "in\n", Env: map[string]string{"CHECK_X": "y"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := ExecAnswer{Code: 3, Stdout: "out a b $(id) y C \nin\n", Stderr: "err\n"}
	if *got != want {
		t.Errorf("got %+v, want %+v", *got, want)
	}
}

// A script that is there but cannot begin is not "no such program".
func TestExecNamesWhatIsMissing(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		kind       Kind
		want       string
	}{
		{"windows", "#!/bin/sh\r\necho hello\r\n", Invalid, "has line ends of Windows (CR LF)"},
		{"windows by env", "#!/usr/bin/env sh\r\necho hello\r\n", Invalid, "has line ends of Windows (CR LF)"},
		{"interpreter", "#!/opt/none/python3 -u\nprint(1)\n", NotFound, "is not there: /opt/none/python3"},
		{"no first line", "echo hello\n", Invalid, "it is no program of this system, nor does it begin with #!"},
		{"empty", "", Invalid, "it is no program of this system"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "check")
			if err := os.WriteFile(path, []byte(tt.text), 0o755); err != nil {
				t.Fatal(err)
			}
			_, err := execNet(t, path).Exec(within(t, 5*time.Second), &ExecRequest{Path: path})
			wantError(t, err, tt.kind, tt.want)
		})
	}
	gone := filepath.Join(t.TempDir(), "gone")
	_, err := execNet(t, gone).Exec(within(t, 5*time.Second), &ExecRequest{Path: gone})
	wantError(t, err, NotFound, "no such program: "+gone)
}

// What a program printed before it was ended is kept.
func TestExecKeepsWhatWasPrinted(t *testing.T) {
	path := script(t, `echo "waiting for /mnt"; echo slow >&2; sleep 60`)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(500*time.Millisecond, cancel)
	got, err := execNet(t, path).Exec(ctx, &ExecRequest{Path: path})
	wantError(t, err, Timeout, "did not end in time")
	if got == nil || got.Stdout != "waiting for /mnt\n" || got.Stderr != "slow\n" {
		t.Errorf("got %+v", got)
	}
}

func TestExecEnds(t *testing.T) {
	t.Run("signal", func(t *testing.T) {
		path := script(t, `kill -9 $$`)
		got, err := execNet(t, path).Exec(within(t, 5*time.Second), &ExecRequest{Path: path})
		if err != nil || got.Signal != "SIGKILL" || got.Code != -1 {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("deadline ends children too", func(t *testing.T) {
		mark := filepath.Join(t.TempDir(), "mark")
		path := script(t, `(sleep 1; echo late > `+mark+`) & sleep 60`)
		started := time.Now()
		_, err := execNet(t, path).Exec(within(t, 100*time.Millisecond), &ExecRequest{Path: path})
		wantError(t, err, Timeout, "did not end in time")
		if took := time.Since(started); took > 2*time.Second {
			t.Errorf("took %v", took)
		}
		time.Sleep(1200 * time.Millisecond)
		if _, err := os.Stat(mark); err == nil {
			t.Error("a child lived on")
		}
	})
	t.Run("a child that keeps the output open", func(t *testing.T) {
		path := script(t, `sleep 60 & echo done`)
		started := time.Now()
		got, err := execNet(t, path).Exec(within(t, 10*time.Second), &ExecRequest{Path: path})
		if err != nil || got.Stdout != "done\n" || got.Code != 0 {
			t.Errorf("got %+v, %v", got, err)
		}
		if took := time.Since(started); took > 3*time.Second {
			t.Errorf("took %v", took)
		}
	})
	t.Run("endless output", func(t *testing.T) {
		path := script(t, `head -c 5000000 /dev/zero`)
		got, err := execNet(t, path).Exec(within(t, 10*time.Second), &ExecRequest{Path: path})
		if err != nil || len(got.Stdout) != MaxExecOutput || got.Code != 0 {
			t.Errorf("got %d bytes, %v", len(got.Stdout), err)
		}
	})
}

// TestExecEnvironment holds that only variables pass which say nothing to
// linkers, interpreters and libraries.
func TestExecEnvironment(t *testing.T) {
	ok := script(t, "exit 0")
	n := execNet(t, ok)
	for name, value := range map[string]string{"LANG": "de_DE.UTF-8", "LC_ALL": "C", "TZ": "Europe/Berlin", "CHECK_HOST": "/any/text", "NAGIOS_X": "y",
		"ALERT_KIND": "firing", "SERVICE_NAME": "shop", "PGPASSWORD": "x", "FAILING_CHECKS": "a", "DELIVERY_ID": "d"} {
		if _, err := n.Exec(within(t, 5*time.Second), &ExecRequest{Path: ok, Env: map[string]string{name: value}}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS", "TAR_OPTIONS", "GIT_SSH_COMMAND", "GIT_CONFIG_COUNT", "OPENSSL_CONF", "LESSOPEN",
		"PHPRC", "ZDOTDIR", "RSYNC_RSH", "LD_PRELOAD", "LD_AUDIT", "DYLD_INSERT_LIBRARIES", "PATH", "IFS", "HOME", "BASH_ENV", "BASH_FUNC_x%%", "ENV", "PYTHONPATH", "PERL5LIB", "RUBYOPT",
		"NODE_OPTIONS", "LUA_INIT", "GCONV_PATH", "LOCPATH", "NLSPATH", "TERMINFO", "HOSTALIASES", "RES_OPTIONS", "EDITOR", "PAGER", "MANPAGER", "SSL_CERT_FILE", "CURL_HOME", "PSQLRC",
		"PGSERVICEFILE", "MIBS", "TMPDIR", "X", "LC_", "CHECK_", "lang", "GLIBC_TUNABLES", "MALLOC_CHECK_"} {
		_, err := n.Exec(within(t, 5*time.Second), &ExecRequest{Path: ok, Env: map[string]string{name: "x"}})
		wantError(t, err, Denied, name)
	}
	allowing := newNet(t, func(o *Options) { o.AllowExec, o.AllowEnv = []string{ok}, []string{"X"} })
	if _, err := allowing.Exec(within(t, 5*time.Second), &ExecRequest{Path: ok, Env: map[string]string{"X": "x"}}); err != nil {
		t.Errorf("a variable that the operator allows: %v", err)
	}
	for name, value := range map[string]string{"TZ": ":/etc/shadow", "LANG": "/tmp/x", "LC_ALL": "../../x", "LANGUAGE": "a:../x"} {
		_, err := n.Exec(within(t, 5*time.Second), &ExecRequest{Path: ok, Env: map[string]string{name: value}})
		wantError(t, err, Denied, "may not name a file")
	}
}

func TestExecRefuses(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	ok := script(t, "exit 0")
	n := execNet(t, ok, filepath.Join(dir, "gone"), text)
	tests := []struct {
		name string
		req  ExecRequest
		kind Kind
		word string
	}{
		{"not allowed", ExecRequest{Path: "/bin/sh"}, Denied, "--allow-exec /bin/sh"},
		{"a way round", ExecRequest{Path: filepath.Dir(ok) + "/../" + filepath.Base(filepath.Dir(ok)) + "/check"}, Denied, "not allowed"},
		{"relative", ExecRequest{Path: "sh"}, Invalid, "absolute path"},
		{"empty", ExecRequest{}, Invalid, "absolute path"},
		{"gone", ExecRequest{Path: filepath.Join(dir, "gone")}, NotFound, "no such program"},
		{"not executable", ExecRequest{Path: text}, Denied, "no permission"},
		{"zero in argument", ExecRequest{Path: ok, Args: []string{"a\x00b"}}, Invalid, "zero byte"},
		{"bad variable", ExecRequest{Path: ok, Env: map[string]string{"A=B": "c"}}, Invalid, "environment"},
		{"preload", ExecRequest{Path: ok, Env: map[string]string{"LD_PRELOAD": "x"}}, Denied, "LD_PRELOAD"},
		{"bash", ExecRequest{Path: ok, Env: map[string]string{"BASH_ENV": "x"}}, Denied, "BASH_ENV"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := n.Exec(within(t, 5*time.Second), &tt.req)
			wantError(t, err, tt.kind, tt.word)
		})
	}
}
