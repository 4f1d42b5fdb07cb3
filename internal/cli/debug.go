package cli

import (
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"runtime"
	"time"
)

// listenDebug serves profiles on the address of --debug-listen. They tell what the
// program does and holds, so that nobody beyond this machine is to read them.
func (c *serveCommand) listenDebug(r *rooms) error {
	if c.DebugListen == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(c.DebugListen)
	if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("--debug-listen: write a loopback address such as 127.0.0.1:6060, got %q", c.DebugListen)
	}
	l, err := net.Listen("tcp", c.DebugListen)
	if err != nil {
		return fmt.Errorf("--debug-listen: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	runtime.SetBlockProfileRate(int(10 * time.Microsecond)) // waits of that length are counted, shorter ones by chance
	runtime.SetMutexProfileFraction(100)
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go s.Serve(l)
	r.onStop(s.Close)
	return nil
}
