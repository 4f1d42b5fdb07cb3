package main

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"moonwatch/internal/programtest"
)

// measureAlert takes the time from the target's failing answer to the receiver's
// first byte.
func measureAlert(b *bench) {
	m := b.monitor()
	b.serve(m)
	target, hooks := programtest.NewReceiver(b), programtest.NewReceiver(b)
	var took []time.Duration
	for i := range 30 { // each with a check of its own: one that flaps is not told of again
		path := fmt.Sprint("/", i)
		check := m.Check("page "+path, "http", programtest.Object{"endpoint": target.URL + path}, nil)
		service := alerting(m, "Site "+path, check, hooks.URL+path)
		programtest.Until(b, "passing", 5*time.Second, func() bool { r, ok := m.Latest(check); return ok && r.Succeeded })
		var failed atomic.Int64
		target.Answering(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == path {
				failed.CompareAndSwap(0, time.Now().UnixNano())
				w.WriteHeader(http.StatusInternalServerError)
			}
		})
		programtest.Until(b, "firing", 5*time.Second, func() bool { return len(hooks.At(path)) > 0 })
		took = append(took, hooks.At(path)[0].At.Sub(time.Unix(0, failed.Load())))
		m.API("DELETE", "/services/"+service, nil, nil)
		m.API("DELETE", "/checks/"+check, nil, nil)
	}
	b.stop(m)
	b.spread("failure to the receiver's first byte", took)
}

// alerting makes a service of one check that alerts to a URL.
func alerting(m *programtest.Program, name, check, url string) string {
	return m.Service(name, []string{check}, programtest.Object{
		"alerts": []programtest.Object{{"plugin": "webhook", "settings": programtest.Object{"url": url}}}})
}

// measureReload takes the time from the save of a plugin to its being live, while
// a thousand of its checks run each second.
func measureReload(b *bench) {
	m := b.monitor()
	b.serve(m)
	m.AwaitPlugin("quick", "1")
	b.checks(m, 1000, "quick", "1s", quickConfig)
	time.Sleep(settle)
	skipped := m.Figure("moonwatch_slots_skipped_total")
	var took []time.Duration
	for i := range 20 {
		saved := time.Now()
		version := fmt.Sprint(i + 2)
		m.Save("quick.lua", programtest.QuickCheck(version))
		m.AwaitPlugin("quick", version)
		took = append(took, time.Since(saved))
		time.Sleep(time.Duration(37*i%200) * time.Millisecond) // so that saves meet all moments of a second
	}
	b.spread("save to live", took)
	b.less("slots skipped", m.Figure("moonwatch_slots_skipped_total")-skipped, "")
	b.stop(m)
}
