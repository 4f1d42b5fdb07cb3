package cli

import (
	"net/http"
	"strings"
	"testing"

	"moonwatch/internal/programtest"
)

// TestDebugListen serves profiles to this machine alone.
func TestDebugListen(t *testing.T) {
	for _, address := range []string{"0.0.0.0:6060", ":6060", "6060", "[::]:6060", "192.0.2.1:6060", "example.org:6060", "127.0.0.1", "127.0.0.1:x"} {
		r := &rooms{}
		err := (&serveCommand{DebugListen: address}).listenDebug(r)
		if err == nil || !strings.HasPrefix(err.Error(), "--debug-listen: ") {
			t.Errorf("%s: %v", address, err)
		}
		r.stop()
	}
	address := programtest.FreeAddress(t)
	r := &rooms{}
	if err := (&serveCommand{DebugListen: address}).listenDebug(r); err != nil {
		t.Fatal(err)
	}
	for _, page := range []string{"", "heap", "goroutine?debug=1", "cmdline"} {
		answer, err := http.Get("http://" + address + "/debug/pprof/" + page)
		if err != nil {
			t.Fatal(err)
		}
		if answer.Body.Close(); answer.StatusCode != 200 {
			t.Errorf("%s: %s", page, answer.Status)
		}
	}
	r.stop()
	if _, err := http.Get("http://" + address + "/debug/pprof/"); err == nil {
		t.Error("it is served after the stop")
	}
}
