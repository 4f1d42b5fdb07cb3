package engine

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
func (e *Engine) heartbeatLoop() {
	ticker := time.NewTicker(heartbeatEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			e.heartbeat()
		case <-e.work.Done():
			return
		}
	}
}

func (e *Engine) heartbeat() {
	url := e.Settings().HeartbeatURL
	if url == "" || e.o.Fetcher == nil || e.Ready() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(e.work, heartbeatTime)
	defer cancel()
	if _, err := e.o.Fetcher.Fetch(ctx, url, 64<<10); err != nil {
		e.log.Warn("the outbound heartbeat failed", "error", err)
	}
}
