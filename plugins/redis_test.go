package plugins_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
)

func TestRedisServer(t *testing.T) {
	t.Parallel()
	redis := program(t, "redis-server")
	dir, open, port, secure := serverDir(t), serverPort(t), serverPort(t), serverPort(t)
	cert, key := writeCertificate(t, dir)
	common := []string{"--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", dir}
	serve(t, open, unprivileged(t, dir, redis, append(common, "--port", fmt.Sprint(open))...))
	users := writeFor(t, dir, "users.conf", "requirepass \"open sesame\"\nuser ada on >enigma-enigma ~* +ping +info\n")
	serve(t, port, unprivileged(t, dir, redis, append([]string{users, "--port", fmt.Sprint(port), "--tls-port", fmt.Sprint(secure),
		"--tls-cert-file", cert, "--tls-key-file", key, "--tls-auth-clients", "no"}, common...)...))
	b := newBench(t, nil)
	password := map[string]any{"password": "open sesame"}
	for _, tt := range []struct {
		name   string
		port   int
		config map[string]any
		want   verdict
	}{
		{"ping", open, nil, verdict{message: "PONG"}},
		{"login", port, password, verdict{message: "PONG"}},
		{"no login", port, nil, verdict{err: "PING failed: NOAUTH Authentication required."}},
		{"wrong password", port, map[string]any{"password": "open says me"}, verdict{err: "Login failed: WRONGPASS invalid username-password pair"}},
		{"password for nothing", open, password, verdict{err: "Login failed: ERR AUTH <password> called without any password configured"}},
		{"user", port, map[string]any{"user": "ada", "password": "enigma-enigma"}, verdict{message: "PONG"}},
		{"user who may not", port, map[string]any{"user": "ada", "password": "enigma-enigma", "command": "DBSIZE"}, verdict{err: "DBSIZE failed: NOPERM "}},
		{"TLS", secure, with(password, map[string]any{"tls": true, "verify": false}), verdict{message: "PONG"}},
		{"not trusted", secure, with(password, map[string]any{"tls": true}), verdict{err: "Connection to 127.0.0.1:"}},
		{"no TLS", open, map[string]any{"tls": true}, verdict{err: fmt.Sprintf("Connection to 127.0.0.1:%d timed out", open)}},
		{"database", open, map[string]any{"database": 3, "command": "SET k 'a b'"}, verdict{message: "OK"}},
		{"of that database", open, map[string]any{"database": 3, "command": "GET k", "expect": "^a b$"}, verdict{message: "a b"}},
		{"of another", open, map[string]any{"command": "GET k", "expect": "^$"}, verdict{}},
		{"no such database", open, map[string]any{"database": 99}, verdict{err: "Database 99: ERR DB index is out of range"}},
		{"info", open, map[string]any{"command": "INFO replication", "expect": "(?m)^role:master"}, verdict{message: "# Replication"}},
		{"not as expected", open, map[string]any{"command": "INFO replication", "expect": "(?m)^role:slave"}, verdict{err: "Failed to find match regex /(?m)^role:slave/ in the answer", raw: "role:master"}},
		{"list", open, map[string]any{"command": "CONFIG GET port", "expect": fmt.Sprintf("^port\n%d$", open)}, verdict{message: "port"}},
		{"unknown command", open, map[string]any{"command": "FLY away"}, verdict{err: "FLY failed: ERR unknown command"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.waiting(t)
			tt.want.compare(t, b.run("redis", check{timeout: tt.want.patience(), config: with(map[string]any{"host": "127.0.0.1", "port": tt.port}, tt.config)}))
		})
	}
	b.run("redis", check{config: map[string]any{"host": "127.0.0.1", "port": open, "command": "SET n 42"}})
	got := b.run("redis", check{config: map[string]any{"host": "127.0.0.1", "port": open, "command": "INCR n"}})
	if value(t, got, "value") != 43 || value(t, got, "connect") <= 0 || value(t, got, "answer") <= 0 {
		t.Errorf("got metrics %+v", got.Metrics)
	}
}

func TestRedisLies(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	t.Run("refusal before TLS", func(t *testing.T) {
		port := listen(t, func(c net.Conn) { fmt.Fprint(c, "-ERR max number of clients reached\r\n") })
		verdict{err: fmt.Sprintf("Connection to 127.0.0.1:%d failed: ERR max number of clients reached", port)}.compare(t,
			b.run("redis", check{config: map[string]any{"host": "127.0.0.1", "port": port, "tls": true}}))
	})
	for _, tt := range []struct {
		name, answer string
		want         verdict
	}{
		{"pong", "+PONG\r\n", verdict{message: "PONG"}},
		{"loading", "-LOADING Redis is loading the dataset in memory\r\n", verdict{err: "PING failed: LOADING Redis is loading the dataset in memory"}},
		{"nothing", "$-1\r\n", verdict{}},
		{"no list", "*-1\r\n", verdict{}},
		{"nested", "*2\r\n*2\r\n:1\r\n$3\r\na\nb\r\n+c\r\n", verdict{message: "1"}},
		{"error inside", "*2\r\n:1\r\n-ERR no\r\n", verdict{err: "PING failed: ERR no"}},
		{"cut off", "$10\r\nabc", verdict{err: "PING failed: timed out"}},
		{"huge", "$99999999999\r\n", verdict{err: "PING failed: the answer is not that of Redis"}},
		{"deep", strings.Repeat("*1\r\n", 50), verdict{err: "PING failed: the answer is not that of Redis"}},
		{"endless", "*2000000000\r\n" + strings.Repeat(":1\r\n", 10001), verdict{err: "PING failed: the answer has more items than 10000"}},
		{"no length", "$x\r\n", verdict{err: "PING failed: the answer is not that of Redis"}},
		{"HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n", verdict{err: "PING failed: the answer is not that of Redis"}},
		{"empty line", "\r\n", verdict{err: "PING failed: the answer is not that of Redis"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.waiting(t)
			port := listen(t, func(c net.Conn) {
				buffer := make([]byte, 1024)
				_, _ = c.Read(buffer)
				fmt.Fprint(c, tt.answer)
				_, _ = c.Read(buffer)
			})
			tt.want.compare(t, b.run("redis", check{timeout: tt.want.patience(), config: map[string]any{"host": "127.0.0.1", "port": port}}))
		})
	}
	for name, port := range faulty(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := map[string]string{"refused": "Connection refused by 127.0.0.1:", "silent": "PING failed: timed out", "closing": "PING failed: connection closed", "babbling": "PING failed: the answer is not that of Redis"}[name]
			verdict{err: want}.compare(t, b.run("redis", check{timeout: verdict{err: want}.patience(), config: map[string]any{"host": "127.0.0.1", "port": port}}))
		})
	}
}

func TestRedisConfig(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	good := map[string]any{"command": "INFO replication"}
	values := b.checkConfig(t, "redis", good, complaint{nil, ""}, complaint{map[string]any{"command": "GET 'x"}, "command"}, complaint{map[string]any{"command": "''"}, ""},
		complaint{map[string]any{"database": -1}, "database"}, complaint{map[string]any{"port": 65536}, "port"}, complaint{map[string]any{"expect": "("}, "expect"})
	if fmt.Sprintf("%v %v", values["host"], values["port"]) != "localhost 6379" {
		t.Errorf("got defaults %v", values)
	}
	if got := b.description(t, "redis", good); got != "INFO replication at localhost port 6379" {
		t.Errorf("got description %q", got)
	}
}
