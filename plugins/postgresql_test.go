package plugins_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
)

// TestPostgresqlServer logs in to a real server in each way that it knows.
func TestPostgresqlServer(t *testing.T) {
	t.Parallel()
	initdb := program(t, "initdb", "/usr/lib/postgresql/*/bin/initdb")
	postgres := program(t, "postgres", "/usr/lib/postgresql/*/bin/postgres")
	dir, port := serverDir(t), serverPort(t)
	data := dir + "/data"
	must(t, unprivileged(t, dir, initdb, "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8"))
	cert, key := writeCertificate(t, dir)
	hba := writeFor(t, dir, "hba.conf", strings.Join([]string{
		"host all postgres 127.0.0.1/32 trust", "host all scram 127.0.0.1/32 scram-sha-256", "host all md5 127.0.0.1/32 md5",
		"host all plain 127.0.0.1/32 password", "host all nobody 127.0.0.1/32 reject", "hostssl all tls 127.0.0.1/32 scram-sha-256", ""}, "\n"))
	serve(t, port, unprivileged(t, dir, postgres, "-D", data, "-p", fmt.Sprint(port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off",
		"-c", "hba_file="+hba, "-c", "ssl=on", "-c", "ssl_cert_file="+cert, "-c", "ssl_key_file="+key))
	b := newBench(t, nil)
	config := func(more map[string]any) check {
		return check{config: with(map[string]any{"host": "127.0.0.1", "port": port, "password": "open sesame é"}, more)}
	}
	for deadline := time.Now().Add(30 * time.Second); strings.Contains(b.run("postgresql", config(nil)).Error, "starting up") && time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond) // its port answers before it takes logins
	}
	for _, sql := range []string{
		"CREATE ROLE scram LOGIN PASSWORD 'open sesame é'", "CREATE ROLE plain LOGIN PASSWORD 'open sesame é'", "CREATE ROLE tls LOGIN PASSWORD 'open sesame é'",
		"CREATE ROLE nobody LOGIN", "SET password_encryption = md5; CREATE ROLE md5 LOGIN PASSWORD 'open sesame é'",
	} {
		verdict{}.compare(t, b.run("postgresql", config(map[string]any{"query": sql})))
	}
	login := func(user string, more map[string]any) map[string]any {
		return with(map[string]any{"user": user, "database": "postgres"}, more)
	}
	insecure := map[string]any{"tls": true, "verify": false}
	for _, tt := range []struct {
		name   string
		config map[string]any
		want   verdict
	}{
		{"trust", nil, verdict{message: "PostgreSQL "}},
		{"scram", login("scram", nil), verdict{message: "PostgreSQL "}},
		{"scram over TLS", login("scram", insecure), verdict{}},
		{"scram over TLS alone", login("tls", insecure), verdict{}},
		{"TLS missing", login("tls", nil), verdict{err: `Login failed: no pg_hba.conf entry for host "127.0.0.1", user "tls", database "postgres", no encryption (28000)`}},
		{"not trusted", login("scram", map[string]any{"tls": true}), verdict{err: "Login failed: the certificate of 127.0.0.1"}},
		{"md5", login("md5", nil), verdict{}},
		{"clear over TLS", login("plain", insecure), verdict{}},
		{"clear", login("plain", nil), verdict{err: "Login failed: the server asks for the password in clear, which is sent over TLS only"}},
		{"wrong password", login("scram", map[string]any{"password": "open says me"}), verdict{err: `Login failed: password authentication failed for user "scram" (28P01)`}},
		{"wrong md5 password", login("md5", map[string]any{"password": "open says me"}), verdict{err: `Login failed: password authentication failed for user "md5" (28P01)`}},
		{"no password", login("scram", map[string]any{"password": ""}), verdict{err: "Login failed: the server asks for a password"}},
		{"unknown role", login("x", nil), verdict{err: "Login failed: no pg_hba.conf entry"}},
		{"rejected", login("nobody", nil), verdict{err: "Login failed: pg_hba.conf rejects connection"}},
		{"unknown database", map[string]any{"database": "shop"}, verdict{err: `Login failed: database "shop" does not exist (3D000)`}},
		{"query", map[string]any{"query": "SELECT 6 * 7"}, verdict{message: "42"}},
		{"text", map[string]any{"query": "SELECT 'a', 'b' UNION SELECT 'c', 'd' ORDER BY 1", "expect": "^a$"}, verdict{message: "a"}},
		{"not as expected", map[string]any{"query": "SELECT 'abc'", "expect": "^a$"}, verdict{err: "Failed to find match regex /^a$/ in abc"}},
		{"null", map[string]any{"query": "SELECT NULL", "expect": "^NULL$"}, verdict{message: "NULL"}},
		{"no row", map[string]any{"query": "SELECT 1 WHERE false", "expect": "1"}, verdict{err: "The query gave no row"}},
		{"no row, nothing expected", map[string]any{"query": "SELECT 1 WHERE false"}, verdict{message: "PostgreSQL "}},
		{"nothing", map[string]any{"query": ";"}, verdict{message: "PostgreSQL "}},
		{"notices", map[string]any{"query": "DO $$ BEGIN RAISE NOTICE 'hello'; END $$; SELECT 3"}, verdict{message: "3"}},
		{"above", map[string]any{"query": "SELECT 120", "fail": 100}, verdict{err: "The value is 120 (> 100)"}},
		{"warns", map[string]any{"query": "SELECT 120", "warn": 100, "fail": 200}, verdict{err: "The value is 120 (> 100)", severity: engine.StatusWarning}},
		{"neither", map[string]any{"query": "SELECT 120", "comparison": "<", "warn": 100}, verdict{message: "120"}},
		{"no number", map[string]any{"query": "SELECT 'x'", "fail": 100}, verdict{unknown: true, err: "The query gave no number"}},
		{"nothing to compare", map[string]any{"query": "SELECT NULL", "warn": 100}, verdict{unknown: true, err: "The query gave no number"}},
		{"bad query", map[string]any{"query": "SELEC 1"}, verdict{err: `Query failed: syntax error at or near "SELEC" (42601)`}},
		{"fails midway", map[string]any{"query": "SELECT 1 / (3 - n) FROM generate_series(1, 5) n"}, verdict{err: "Query failed: division by zero (22012)"}},
		{"too many rows", map[string]any{"query": "SELECT generate_series(1, 20000)"}, verdict{err: "Query failed: the query gives more than 10000 rows"}},
		{"copy in", map[string]any{"query": "COPY pg_temp.x FROM STDIN"}, verdict{err: "Query failed: "}},
		{"long value", map[string]any{"query": "SELECT repeat('x', 100000)"}, verdict{message: "xxx"}},
		{"too long a value", map[string]any{"query": "SELECT repeat('x', 2000000)"}, verdict{err: "Query failed: the answer is not that of PostgreSQL"}},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.want.compare(t, b.run("postgresql", config(tt.config))) })
	}
	t.Run("slow", func(t *testing.T) {
		t.Parallel()
		slow := config(map[string]any{"query": "SELECT pg_sleep(60)"})
		slow.timeout = short
		verdict{err: "Query failed: timed out"}.compare(t, b.run("postgresql", slow))
	})
	got := b.run("postgresql", config(map[string]any{"query": "SELECT 6.5 UNION ALL SELECT 7"}))
	if value(t, got, "value") != 6.5 || value(t, got, "rows") != 2 || value(t, got, "connect") <= 0 || value(t, got, "login") <= 0 || value(t, got, "query") <= 0 {
		t.Errorf("got metrics %+v", got.Metrics)
	}
}

// TestPostgresqlLies holds against servers that do not keep to the protocol.
func TestPostgresqlLies(t *testing.T) {
	t.Parallel()
	message := func(kind byte, body string) string {
		n := len(body) + 4
		return string([]byte{kind, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}) + body
	}
	sasl := message('R', "\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00")
	// reply answers each message of the client with the next text.
	reply := func(texts ...string) int {
		return listen(t, func(c net.Conn) {
			buffer := make([]byte, 4096)
			for _, text := range texts {
				if _, err := c.Read(buffer); err != nil {
					return
				}
				fmt.Fprint(c, text)
			}
			_, _ = c.Read(buffer)
		})
	}
	ready := message('R', "\x00\x00\x00\x00") + message('S', "server_version\x0017.1\x00") + message('Z', "I")
	b := newBench(t, nil)
	for _, tt := range []struct {
		name  string
		texts []string
		query string
		want  verdict
	}{
		{name: "all is well", texts: []string{ready, message('T', "\x00\x01") + message('D', "\x00\x01\x00\x00\x00\x011") + message('C', "SELECT 1\x00") + message('Z', "I")}, query: "SELECT 1", want: verdict{message: "1"}},
		{name: "foreign nonce", texts: []string{sasl, message('R', "\x00\x00\x00\x0br=other,s=QQ==,i=4096")}, want: verdict{err: "Login failed: the server's SCRAM challenge is not valid"}},
		{name: "endless rounds", texts: []string{sasl, message('R', "\x00\x00\x00\x0br=x,s=QQ==,i=4000000000")}, want: verdict{err: "Login failed: the server's SCRAM challenge is not valid"}},
		{name: "unknown way", texts: []string{message('R', "\x00\x00\x00\x07")}, want: verdict{err: "Login failed: the server asks for a login of kind 7, which is not known"}},
		{name: "SCRAM of another kind", texts: []string{message('R', "\x00\x00\x00\x0aSCRAM-SHA-999\x00\x00")}, want: verdict{err: "Login failed: the server asks for a login of kind 10"}},
		{name: "short", texts: []string{message('R', "")}, want: verdict{err: "Login failed: the answer is not that of PostgreSQL"}},
		{name: "negative length", texts: []string{"R\xff\xff\xff\xff"}, want: verdict{err: "Login failed: the answer is not that of PostgreSQL"}},
		{name: "tiny length", texts: []string{"R\x00\x00\x00\x00"}, want: verdict{err: "Login failed: the answer is not that of PostgreSQL"}},
		{name: "stalls midway", texts: []string{"R\x00\x00"}, want: verdict{err: "Login failed: timed out"}},
		{name: "error without fields", texts: []string{message('E', "")}, want: verdict{err: "Login failed: unknown error (no SQLSTATE)"}},
		{name: "too many clients", texts: []string{message('E', "SFATAL\x00VFATAL\x00C53300\x00Msorry, too many clients already\x00\x00")}, want: verdict{err: "Login failed: sorry, too many clients already (53300)"}},
		{name: "short row", texts: []string{ready, message('D', "\x00") + message('Z', "I")}, query: "SELECT 1", want: verdict{message: "PostgreSQL 17.1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.waiting(t)
			tt.want.compare(t, b.run("postgresql", check{timeout: tt.want.patience(), config: map[string]any{"host": "127.0.0.1", "port": reply(tt.texts...), "password": "sesame", "query": tt.query}}))
		})
	}
	// What a server says in place of its answer to the request for TLS is told.
	for said, want := range map[string]string{
		message('E', "SFATAL\x00C53300\x00Msorry, too many clients already\x00\x00"): "Login failed: sorry, too many clients already (53300)",
		"Ecould not fork new process for connection: Cannot allocate memory\n\x00":   "Login failed: could not fork new process for connection: Cannot allocate memory",
		"N":                "Login failed: the server does not speak TLS",
		"HTTP/1.1 400\r\n": "Login failed: the answer is not that of PostgreSQL",
	} {
		port := listen(t, func(c net.Conn) {
			_, _ = c.Read(make([]byte, 8))
			_, _ = c.Write([]byte(said))
		})
		verdict{err: want}.compare(t, b.run("postgresql", check{config: map[string]any{"host": "127.0.0.1", "port": port, "password": "sesame", "tls": true}}))
	}
	for name, port := range faulty(t) {
		for _, tls := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", TLS ", tls), func(t *testing.T) {
				t.Parallel()
				want := map[string]string{"refused": "Connection refused by 127.0.0.1:", "silent": "Login failed: timed out", "closing": "Login failed: connection closed", "babbling": "Login failed: "}[name]
				verdict{err: want}.compare(t, b.run("postgresql", check{timeout: verdict{err: want}.patience(), config: map[string]any{"host": "127.0.0.1", "port": port, "password": "sesame", "tls": tls}}))
			})
		}
	}
}

func TestPostgresqlConfig(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	good := map[string]any{"query": "SELECT\n 1"}
	values := b.checkConfig(t, "postgresql", good, complaint{nil, ""}, complaint{map[string]any{"host": "a b"}, "host"}, complaint{map[string]any{"port": "x"}, "port"},
		complaint{map[string]any{"user": ""}, "user"}, complaint{map[string]any{"expect": "("}, "expect"})
	if fmt.Sprintf("%v %v %v", values["host"], values["port"], values["user"]) != "localhost 5432 postgres" {
		t.Errorf("got defaults %v", values)
	}
	if got := b.description(t, "postgresql", good); got != "PostgreSQL at localhost port 5432: SELECT 1" {
		t.Errorf("got description %q", got)
	}
}
