package main

import (
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"moonwatch/internal/programtest"
)

// retentionDelay is how long after its start a monitor begins to delete what is old.
const retentionDelay = 2*time.Minute + 5*time.Second

// measureHistory looks at what a year of history does to pages, summaries, backups
// and the deletion of what is old. Making it takes longest: it is made once, and
// each round has a copy. With -history the next run has one, too.
func measureHistory(b *bench) {
	made := b.history
	if made == "" {
		made = filepath.Join(b.work, "history")
	}
	m := b.monitor()
	if _, err := os.Stat(made); err != nil {
		makePast(b, m.Data, b.checkCount, pastDays)
		b.command("mv", m.Data, made)
	} else if err := os.RemoveAll(m.Data); err != nil {
		b.Fatal(err)
	}
	b.command("cp", "-a", "--sparse=always", made, m.Data)
	m.Token = programtest.LastLine(m.MustCommand("", "token", "create", "--user", "admin", "--data", m.Data).Out)
	b.less("disk", mb(diskUse(m.Data)), "MB")
	b.less("start", ms(b.serve(m)), "ms")
	started := time.Now()
	b.held(m, "just started")
	v := b.visitor(m)
	site := programtest.Object{"retention": fmt.Sprintf("%dh", 24*(rawDays-1)), "sum_retention": fmt.Sprintf("%dh", 24*(pastDays-30))}
	m.API("PUT", "/settings", site, nil)

	time.Sleep(time.Minute) // by then each check that had missed a slot has run
	lookBack(v)
	b.lagWhile(m, "backup", func() {
		begun, size := time.Now(), readBackup(b, m)
		b.less("backup", time.Since(begun).Seconds(), "s")
		b.less("backup, size", mb(size), "MB")
	})
	time.Sleep(time.Until(started.Add(retentionDelay)))
	b.lagWhile(m, "retention", func() { time.Sleep(max(b.options.window(), 30*time.Second)) })
	b.held(m, "later")
	b.stop(m)
}

// command runs a program of the system.
func (b *bench) command(words ...string) {
	if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
		b.Fatalf("%v: %v %s", words, err, out)
	}
}

// lookBack records how long pages and summaries take.
func lookBack(v *visitor) {
	check, service := v.someIDs("checks", 1)[0], v.someIDs("services", 2)[1] // the first is the monitor itself
	now := time.Now().UTC()
	from := func(days int) string { return "from=" + now.AddDate(0, 0, -days).Format(time.RFC3339) }
	v.pages("", [][2]string{
		{"dashboard", "/"},
		{"check list", "/checks"},
		{"search", "/checks?q=000777"},
		{"check page", "/checks/" + check},
		{"check page, 30 days", "/checks/" + check + "?range=30d"},
		{"check page, a year", "/checks/" + check + "?range=1y"},
		{"service page", "/services/" + service},
		{"service list", "/services"},
		{"incidents", "/incidents"},
		{"report page", "/report"},
		{"status page", "/status"},
		{"API summary, a day", "/api/v1/checks/" + check + "/summary?" + from(1)},
		{"API summary, a year", "/api/v1/checks/" + check + "/summary?" + from(365)},
		{"API uptime of a check, a year", "/api/v1/checks/" + check + "/uptime?" + from(365)},
		{"API uptime of a service, a year", "/api/v1/services/" + service + "/uptime?" + from(365)},
		{"API report, 30 days", "/api/v1/report?" + from(30)},
	})
}

// readBackup reads a backup to its end, and returns its size.
func readBackup(b *bench, m *programtest.Program) int64 {
	r, err := http.NewRequest("GET", "http://"+m.Address+"/api/v1/backup", nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+m.Token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer answer.Body.Close()
	size, err := io.Copy(io.Discard, answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		b.Fatalf("the backup ended with %s: %v", answer.Status, err)
	}
	return size
}

// lagWhile records how late runs begin while fn is under way.
func (b *bench) lagWhile(m *programtest.Program, label string, fn func()) {
	before := b.lag(m)
	fn()
	b.less(label+", lag p99 at most", 1000*lagPercentile(before, b.lag(m), 0.99), "ms")
}

// lag reads how many runs began within each bound of lateness, in seconds.
func (b *bench) lag(m *programtest.Program) map[float64]float64 {
	_, text, err := m.GetAs(m.Token, "/metrics")
	if err != nil {
		b.Fatal(err)
	}
	return lagBuckets(text)
}

func lagBuckets(metrics string) map[float64]float64 {
	within := map[float64]float64{}
	for line := range strings.Lines(metrics) {
		rest, ok := strings.CutPrefix(line, `moonwatch_lag_seconds_bucket{le="`)
		if !ok {
			continue
		}
		bound, count, _ := strings.Cut(strings.TrimSpace(rest), `"} `)
		le, err := strconv.ParseFloat(bound, 64) // +Inf is one, too
		n, err2 := strconv.ParseFloat(count, 64)
		if err == nil && err2 == nil {
			within[le] = n
		}
	}
	return within
}

// lagPercentile is the least bound within which that share of the runs between
// two readings began: of those beyond the last bound, the last; 0 when there were none.
func lagPercentile(before, after map[float64]float64, share float64) float64 {
	all := after[math.Inf(1)] - before[math.Inf(1)]
	last := 0.0
	for _, bound := range slices.Sorted(maps.Keys(after)) {
		if math.IsInf(bound, 1) {
			break
		}
		last = bound
		if all == 0 {
			return 0
		}
		if after[bound]-before[bound] >= share*all {
			return bound
		}
	}
	return last
}

// diskUse is what the files of a folder hold, holes left out.
func diskUse(dir string) int64 {
	sum := int64(0)
	filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			sum += blocks(info)
		}
		return nil
	})
	return sum
}

func blocks(info os.FileInfo) int64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Blocks * 512
	}
	return info.Size()
}
