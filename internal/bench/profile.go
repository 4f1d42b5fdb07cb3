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
	address := ""
	for i, f := range m.Flags[:len(m.Flags)-1] {
		if f == "--debug-listen" {
			address = m.Flags[i+1]
		}
	}
	seconds := max(int(length.Seconds()), 1)
	client := &http.Client{Timeout: length + time.Minute}
	name := strings.Trim(strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' {
			return r
		}
		return '-'
	}, strings.ToLower(fmt.Sprintf("%s %s", b.part, label))), "-")
	for file, path := range map[string]string{
		"cpu.pprof":    fmt.Sprintf("profile?seconds=%d", seconds),
		"allocs.pprof": fmt.Sprintf("allocs?seconds=%d", seconds),
		"block.pprof":  fmt.Sprintf("block?seconds=%d", seconds),
		"mutex.pprof":  fmt.Sprintf("mutex?seconds=%d", seconds),
		"trace":        "trace?seconds=1",
	} {
		all.Go(func() {
			out := filepath.Join(b.profile, fmt.Sprintf("%s-%d.%s", name, b.round, file))
			if err := fetch(client, "http://"+address+"/debug/pprof/"+path, out); err != nil {
				b.Errorf("profile: %v", err)
			}
		})
	}
	return all
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
