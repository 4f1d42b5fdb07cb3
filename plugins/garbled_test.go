package plugins_test

import (
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"testing"

	"moonwatch/engine"
)

// TestGarbledAnswers holds that an answer which came over a bad line is a result
// like any other, and no error in a plugin.
func TestGarbledAnswers(t *testing.T) {
	t.Parallel()
	message := func(kind, body string) string { return kind + string([]byte{0, 0, 0, byte(len(body) + 4)}) + body }
	packet := func(sequence byte, body string) string { return string([]byte{byte(len(body)), 0, 0, sequence}) + body }
	const graph = `[{"target":"a.b","datapoints":[[1.5,1],[null,2]]},{"target":"a.c","datapoints":[[95,1]]}]`
	web := func(body string) string { return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + body }
	b := newBench(t, nil)
	for _, tt := range []struct {
		slug, answer     string
		config, settings map[string]any
	}{
		{slug: "postgresql", config: map[string]any{"query": "SELECT 1", "fail": 5}, answer: message("R", "\x00\x00\x00\x00") + message("S", "server_version\x0015.4\x00") + message("K", "12345678") + message("Z", "I") +
			message("T", "\x00\x01") + message("D", "\x00\x01\x00\x00\x00\x0242") + message("N", "SNOTICE\x00Mhello\x00\x00") + message("C", "SELECT 1\x00") + message("Z", "I")},
		{slug: "mysql", config: map[string]any{"user": "ada", "password": "enigma", "query": "SELECT 1", "fail": 5}, answer: packet(0, mysqlGreeting("8.4.2", "caching_sha2_password")) + packet(2, "\xfemysql_native_password\x00"+mysqlNonce+"\x00") +
			packet(4, mysqlOK) + packet(1, "\x01") + packet(2, "column") + packet(3, "\xfe\x00\x00\x02\x00") + packet(4, "\x0242") + packet(5, "\xfe\x00\x00\x02\x00")},
		{slug: "redis", config: map[string]any{"command": "INFO", "expect": "x"}, answer: "*3\r\n$4\r\nabcd\r\n:42\r\n*2\r\n+x\r\n$-1\r\n"},
		{slug: "banner", config: map[string]any{"protocol": "imap", "expect": "x"}, answer: "* OK ready\r\n* CAPABILITY x\r\na1 OK\r\n"},
		{slug: "graphite", settings: map[string]any{"api": "http://HOST"}, config: map[string]any{"metric": "m", "check_type": ">", "value": 9}, answer: web(graph)},
		{slug: "jenkins", settings: map[string]any{"api": "http://HOST"}, config: map[string]any{"job": "X", "max_queued_build_time": 5}, answer: web(job(badBuild))},
		{slug: "prometheus", config: map[string]any{"server": "http://HOST", "query": "up", "fail": 9}, answer: web(promAnswer("vector", twoHosts))},
		{slug: "json_value", config: map[string]any{"endpoint": "http://HOST", "path": "hits.total.value", "fail": 9}, answer: web(elastic)},
		{slug: "domain", settings: map[string]any{"server": "http://HOST"}, config: map[string]any{"domain": "moon.example"}, answer: web(rdap("2027-04-08T05:00:00Z", ""))},
	} {
		t.Run(tt.slug, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, uint64(len(tt.answer))))
			answers := make(chan []byte, 1)
			port := listen(t, func(c net.Conn) {
				buffer := make([]byte, 4096)
				if strings.HasPrefix(tt.answer, "HTTP/") {
					_, _ = c.Read(buffer) // the request
				}
				if _, err := c.Write(<-answers); err == nil {
					_ = c.(*net.TCPConn).CloseWrite()
					_, _ = c.Read(buffer) // until the client closes
				}
			})
			host := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
			config, settings := with(tt.config), with(tt.settings)
			for _, values := range []map[string]any{config, settings} {
				for name, v := range values {
					if v == "http://HOST" {
						values[name] = "http://" + host
					}
				}
			}
			if settings == nil && config["server"] == nil && config["endpoint"] == nil {
				config["host"], config["port"] = "127.0.0.1", port
			}
			for range 150 {
				answer := garble(random, tt.answer)
				answers <- answer
				b.data.values = map[string]string{}
				got := b.run(tt.slug, check{config: config, settings: settings})
				if got.Cause == engine.CauseError || got.TimedOut || !got.Succeeded && got.Error == "" {
					t.Fatalf("got %+v for %q", got, answer)
				}
			}
		})
	}
}

// garble changes, drops or repeats a few bytes, or ends the text early.
func garble(random *rand.Rand, text string) []byte {
	out := []byte(text)
	for range 1 + random.IntN(3) {
		if len(out) == 0 {
			return out
		}
		at := random.IntN(len(out))
		switch random.IntN(5) {
		case 0:
			out[at] = byte(random.IntN(256))
		case 1:
			out[at] ^= 1 << random.IntN(8)
		case 2:
			out = append(out[:at], out[at+1:]...)
		case 3:
			out = append(out[:at], append([]byte{out[at]}, out[at:]...)...)
		case 4:
			out = out[:at]
		}
	}
	return out
}
