package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"moonwatch/internal/programtest"
)

// Checks a second that are asked of rivals.
const (
	gatusRate    = 600
	nagiosRate   = 100
	blackboxRate = 1000
)

// measureRivals has other monitors make HTTP checks, and then ours those of the same
// target at the rate that the other kept to. Those that are not on the machine are left out.
func measureRivals(b *bench) {
	var asked atomic.Int64
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		io.WriteString(w, "ok\n")
	}))
	b.Cleanup(target.Close)
	url := target.URL + "/"
	for _, rival := range []struct {
		name  string
		rate  int
		start func(b *bench, url string, rate int) (*exec.Cmd, error)
	}{
		{"Gatus in memory", gatusRate, startGatus("memory")},
		{"Gatus with SQLite", gatusRate, startGatus("sqlite")},
		{"Nagios", nagiosRate, startNagios},
		{"blackbox_exporter", blackboxRate, startBlackbox},
	} {
		cmd, err := rival.start(b, url, rival.rate)
		if err != nil {
			b.Logf("%s is left out: %v", rival.name, err)
			continue
		}
		theirs, made := rivalCost(b, cmd, &asked)
		if made < 1 {
			b.Errorf("%s makes no checks", rival.name)
			continue
		}
		ours := ourCost(b, url, int(made+0.5)) // not all keep to the rate
		label := fmt.Sprintf("%s at %d/s: ", rival.name, rival.rate)
		b.less(label+"ours in ratio", ours/theirs, "")
		b.less(label+"CPU a check, theirs", theirs, "ms")
		b.more(label+"checks, theirs", made, "/s")
		b.less(label+"CPU a check, ours", ours, "ms")
	}
}

// ourCost is the processor time of our check in milliseconds.
func ourCost(b *bench, url string, rate int) float64 {
	m := b.monitor()
	b.serve(m)
	b.checks(m, rate, "http", "1s", httpConfig(url))
	time.Sleep(settle)
	w := b.window(m, fmt.Sprintf("ours %d", rate))
	b.stop(m)
	return w.perRun()
}

// rivalCost is the processor time of a rival's check in milliseconds, and how many
// checks a second its target saw. The rival is ended.
func rivalCost(b *bench, cmd *exec.Cmd, asked *atomic.Int64) (cost, rate float64) {
	defer endGroup(cmd)
	time.Sleep(10 * time.Second) // some begin their checks little by little
	from, used, before := time.Now(), treeCPU(b, cmd.Process.Pid), asked.Load()
	time.Sleep(b.options.window())
	used = treeCPU(b, cmd.Process.Pid) - used
	checks := float64(asked.Load() - before)
	return ms(used) / max(checks, 1), checks / time.Since(from).Seconds()
}

// treeCPU is the processor time of a process, of those below it, and of those of
// them that have ended.
func treeCPU(b *bench, root int) time.Duration {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		b.Fatal(err)
	}
	parent, used := map[int]int{}, map[int]time.Duration{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue // it has ended just now: its parent counts it
		}
		f := statFields(string(text))
		parent[pid], _ = strconv.Atoi(f[1])
		used[pid] = ticks(f[11]) + ticks(f[12]) + ticks(f[13]) + ticks(f[14])
	}
	sum := time.Duration(0)
	for pid := range used {
		for up := pid; up > 1; up = parent[up] {
			if up == root {
				sum += used[pid]
				break
			}
		}
	}
	return sum
}

// startRival starts a program as the leader of a process group of its own.
func startRival(b *bench, cmd *exec.Cmd) (*exec.Cmd, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out := &programtest.Output{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	b.Cleanup(func() { endGroup(cmd) })
	time.Sleep(2 * time.Second)
	if err := syscall.Kill(cmd.Process.Pid, 0); err != nil {
		return nil, fmt.Errorf("%w: %s", err, programtest.Tail(out.String(), 1000))
	}
	return cmd, nil
}

func endGroup(cmd *exec.Cmd) {
	if cmd.ProcessState == nil {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
	}
}

func startGatus(storage string) func(b *bench, url string, rate int) (*exec.Cmd, error) {
	return func(b *bench, url string, rate int) (*exec.Cmd, error) {
		path, err := exec.LookPath(b.gatus)
		if err != nil {
			return nil, err
		}
		dir := b.TempDir()
		_, port, err := net.SplitHostPort(programtest.FreeAddress(b))
		if err != nil {
			return nil, err
		}
		var text strings.Builder
		fmt.Fprintf(&text, "web: {address: 127.0.0.1, port: %s}\nconcurrency: %d\nstorage: {type: %s", port, 64, storage)
		if storage != "memory" {
			fmt.Fprintf(&text, ", path: %s", filepath.Join(dir, "data.db"))
		}
		text.WriteString("}\nendpoints:\n")
		for i := range rate {
			fmt.Fprintf(&text, "- {name: e%d, url: %q, interval: 1s, conditions: [\"[STATUS] == 200\"]}\n", i, url)
		}
		config := filepath.Join(dir, "config.yaml")
		if err := os.WriteFile(config, []byte(text.String()), 0o644); err != nil {
			return nil, err
		}
		cmd := exec.Command(path)
		cmd.Env = append(os.Environ(), "GATUS_CONFIG_PATH="+config, "GATUS_DELAY_START_SECONDS=0")
		cmd.Dir = dir
		return startRival(b, cmd)
	}
}

// startNagios has Nagios run the plugin check_http, with a second as its interval.
func startNagios(b *bench, url string, rate int) (*exec.Cmd, error) {
	path, err := exec.LookPath("nagios4")
	if err != nil {
		if path, err = exec.LookPath("nagios"); err != nil {
			return nil, err
		}
	}
	check := "/usr/lib/nagios/plugins/check_http"
	if _, err := os.Stat(check); err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(strings.Trim(strings.TrimPrefix(url, "http://"), "/"))
	if err != nil {
		return nil, err
	}
	dir := b.TempDir()
	var objects strings.Builder
	fmt.Fprintf(&objects, "define command {\n command_name web\n command_line %s -I 127.0.0.1 -p %s\n}\n", check, port)
	objects.WriteString("define timeperiod {\n timeperiod_name always\n alias always\n")
	for day := range 7 {
		fmt.Fprintf(&objects, " %s 00:00-24:00\n", strings.ToLower(time.Weekday(day).String()))
	}
	objects.WriteString("}\n")
	objects.WriteString("define contact {\n contact_name nobody\n host_notifications_enabled 0\n service_notifications_enabled 0\n host_notification_commands web\n service_notification_commands web\n host_notification_period always\n service_notification_period always\n}\n")
	objects.WriteString("define host {\n host_name here\n address 127.0.0.1\n max_check_attempts 1\n contacts nobody\n notification_period always\n}\n")
	for i := range rate {
		fmt.Fprintf(&objects, "define service {\n host_name here\n service_description s%d\n check_command web\n check_interval 1\n retry_interval 1\n max_check_attempts 1\n check_period always\n contacts nobody\n notification_period always\n}\n", i)
	}
	main := fmt.Sprintf("log_file=%[1]s/log\ncfg_file=%[1]s/objects.cfg\nobject_cache_file=%[1]s/cache\nprecached_object_file=%[1]s/precached\nstatus_file=%[1]s/status\nlock_file=%[1]s/lock\ntemp_file=%[1]s/temp\ntemp_path=%[1]s\ncheck_result_path=%[1]s\nstate_retention_file=%[1]s/retention\ncommand_file=%[1]s/command\nquery_socket=%[1]s/query\nlog_archive_path=%[1]s\ninterval_length=1\nenable_notifications=0\nuse_syslog=0\nservice_inter_check_delay_method=s\n", dir)
	if os.Getuid() == 0 {
		main += "nagios_user=root\nnagios_group=root\n"
	}
	for name, text := range map[string]string{"objects.cfg": objects.String(), "nagios.cfg": main} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	return startRival(b, exec.Command(path, filepath.Join(dir, "nagios.cfg")))
}

// startBlackbox has our paced client ask blackbox_exporter for probes, as
// Prometheus would.
func startBlackbox(b *bench, url string, rate int) (*exec.Cmd, error) {
	path, err := exec.LookPath("blackbox_exporter")
	if err != nil {
		if path, err = exec.LookPath("prometheus-blackbox-exporter"); err != nil {
			return nil, err
		}
	}
	config := filepath.Join(b.TempDir(), "blackbox.yml")
	if err := os.WriteFile(config, []byte("modules:\n  http_2xx:\n    prober: http\n"), 0o644); err != nil {
		return nil, err
	}
	address := programtest.FreeAddress(b)
	cmd, err := startRival(b, exec.Command(path, "--config.file="+config, "--web.listen-address="+address))
	if err != nil {
		return nil, err
	}
	probe := "http://" + address + "/probe?module=http_2xx&target=" + url
	answer, err := http.Get(probe)
	if err != nil {
		return nil, err
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, errors.New("a probe is answered with " + answer.Status)
	}
	programtest.StartHelper(b, fmt.Sprintf("pace %d %s", rate, probe))
	return cmd, nil
}
