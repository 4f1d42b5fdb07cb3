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
func (e *Monitor) heartbeatLoop() {
	ticker := time.NewTicker(heartbeatEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			e.heartbeat()
		case <-e.Work.Done():
			return
		}
	}
}

func (e *Monitor) heartbeat() {
	url := e.Settings().HeartbeatURL
	if url == "" || e.Options.Fetcher == nil || e.Ready() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(e.Work, heartbeatTime)
	defer cancel()
	if _, err := e.Options.Fetcher.Fetch(ctx, url, 64<<10); err != nil {
		e.Log.Warn("the outbound heartbeat failed", "error", err)
	}
}
