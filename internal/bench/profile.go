package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"moonwatch/internal/programtest"
)

// startProfiles takes profiles of a monitor over a window: what used the
// processor, allocated, waited and held locks, and a trace of its first second.
// It returns what to wait for; nothing is taken without -profile.
func (b *bench) startProfiles(m *programtest.Program, label string, length time.Duration) *sync.WaitGroup {
	all := &sync.WaitGroup{}
	if b.profile == "" {
		return all
	}
	seconds := max(int(length.Seconds()), 1)
	client := &http.Client{Timeout: length + time.Minute}
	for file, path := range map[string]string{
		"cpu.pprof":    fmt.Sprintf("profile?seconds=%d", seconds),
		"allocs.pprof": fmt.Sprintf("allocs?seconds=%d", seconds),
		"block.pprof":  fmt.Sprintf("block?seconds=%d", seconds),
		"mutex.pprof":  fmt.Sprintf("mutex?seconds=%d", seconds),
		"trace":        "trace?seconds=1",
	} {
		all.Go(func() {
			if err := fetch(client, debugURL(m)+path, b.profileFile(label, file)); err != nil {
				b.Errorf("profile: %v", err)
			}
		})
	}
	return all
}

// heapProfile writes what of a monitor's heap is alive, after a collection.
func (b *bench) heapProfile(m *programtest.Program, label string) {
	if b.profile == "" {
		return
	}
	client := &http.Client{Timeout: time.Minute}
	if err := fetch(client, debugURL(m)+"heap", b.profileFile(label, "heap.pprof")); err != nil {
		b.Errorf("profile: %v", err)
	}
}

// debugURL is where a monitor serves its profiles.
func debugURL(m *programtest.Program) string {
	address := ""
	for i, f := range m.Flags[:len(m.Flags)-1] {
		if f == "--debug-listen" {
			address = m.Flags[i+1]
		}
	}
	return "http://" + address + "/debug/pprof/"
}

// profileFile is the file of a profile of a window of this round.
func (b *bench) profileFile(label, kind string) string {
	name := strings.Trim(strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' {
			return r
		}
		return '-'
	}, strings.ToLower(fmt.Sprintf("%s %s", b.part, label))), "-")
	return filepath.Join(b.profile, fmt.Sprintf("%s-%d.%s", name, b.round, kind))
}

func fetch(client *http.Client, url, file string) error {
	answer, err := client.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, answer.Status, data)
	}
	if err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o644)
}
