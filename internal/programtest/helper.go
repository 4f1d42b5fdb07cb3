package programtest

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// helperProcess makes the binary be a target or a paced client: see RunTests and RunHelper.
const helperProcess = "MOONWATCH_TEST_HELPER"

// RunHelper is for main of a program that calls StartHelper: in a process that was
// started so, it is the helper and does not return.
func RunHelper() {
	if words := os.Getenv(helperProcess); words != "" {
		helper(strings.Fields(words))
		os.Exit(0)
	}
}

// helper runs what a helper process is asked for: "target" or "pace RATE URL".
func helper(words []string) {
	switch words[0] {
	case "target":
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		fmt.Println("http://" + l.Addr().String() + "/")
		panic(http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") })))
	case "pace":
		rate, err := strconv.Atoi(words[1])
		if err != nil {
			panic(err)
		}
		pace(rate, words[2])
	}
}

// pace is the floor that an HTTP check is held against: 64 workers with
// keep-alive, which a 1 ms tick hands their requests.
func pace(rate int, url string) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}}
	turns := make(chan struct{}, rate)
	for range 64 {
		go func() {
			for range turns {
				r, err := client.Get(url)
				if err != nil {
					panic(err)
				}
				io.Copy(io.Discard, r.Body)
				r.Body.Close()
			}
		}()
	}
	fmt.Println("paces")
	begun, sent := time.Now(), 0
	for range time.Tick(time.Millisecond) {
		for due := int(time.Since(begun).Seconds() * float64(rate)); sent < due; sent++ {
			turns <- struct{}{}
		}
	}
}

// StartHelper starts a helper process and returns it with its first line.
func StartHelper(t testing.TB, words string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helperProcess+"="+words)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	line := make([]byte, 200)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	return cmd, strings.TrimSpace(string(line[:n]))
}
