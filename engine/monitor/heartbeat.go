package monitor

import (
	"context"
	"time"
)

const (
	heartbeatEvery = time.Minute
	heartbeatTime  = 20 * time.Second
)

// heartbeatLoop fetches the outbound heartbeat's URL every minute while the
// monitor is ready, so that others notice when it is not.
func (m *Monitor) heartbeatLoop() {
	ticker := time.NewTicker(heartbeatEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			m.heartbeat()
		case <-m.Work.Done():
			return
		}
	}
}

func (m *Monitor) heartbeat() {
	url := m.Settings().HeartbeatURL
	if url == "" || m.Options.Fetcher == nil || m.Ready() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(m.Work, heartbeatTime)
	defer cancel()
	if _, err := m.Options.Fetcher.Fetch(ctx, url, 64<<10); err != nil {
		m.Log.Warn("the outbound heartbeat failed", "error", err)
	}
}
