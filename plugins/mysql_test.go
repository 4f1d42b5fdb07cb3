package plugins_test

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
)

// TestMysqlServer logs in to a real MariaDB.
func TestMysqlServer(t *testing.T) {
	t.Parallel()
	install := program(t, "mariadb-install-db")
	mariadbd := program(t, "mariadbd")
	dir, port := serverDir(t), serverPort(t)
	data := dir + "/data"
	must(t, unprivileged(t, dir, install, "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db"))
	cert, key := writeCertificate(t, dir)
	setup := writeFor(t, dir, "setup.sql", strings.Join([]string{
		"CREATE USER native@'%' IDENTIFIED BY 'open sesame';", "CREATE USER open@'%';", "CREATE USER tls@'%' IDENTIFIED BY 'open sesame' REQUIRE SSL;",
		"CREATE DATABASE shop;", "GRANT ALL ON shop.* TO native@'%';", "INSTALL SONAME 'auth_ed25519';", "CREATE USER ed@'%' IDENTIFIED VIA ed25519 USING PASSWORD('open sesame');", ""}, "\n"))
	serve(t, port, unprivileged(t, dir, mariadbd, "--no-defaults", "--datadir="+data, "--bind-address=127.0.0.1", fmt.Sprintf("--port=%d", port), "--socket="+dir+"/s",
		"--pid-file="+dir+"/pid", "--init-file="+setup, "--ssl-cert="+cert, "--ssl-key="+key, "--innodb-flush-log-at-trx-commit=0"))
	b := newBench(t, nil)
	insecure := map[string]any{"tls": true, "verify": false}
	for _, tt := range []struct {
		name   string
		config map[string]any
		want   verdict
	}{
		{"greeting", map[string]any{"user": ""}, verdict{message: "1"}},
		{"login", nil, verdict{message: "1"}},
		{"over TLS", insecure, verdict{}},
		{"not trusted", map[string]any{"tls": true}, verdict{err: "Login failed: the certificate of 127.0.0.1"}},
		{"TLS alone", with(insecure, map[string]any{"user": "tls"}), verdict{}},
		{"TLS missing", map[string]any{"user": "tls"}, verdict{err: "Login failed: Access denied for user 'tls'@"}},
		{"no password", map[string]any{"user": "open", "password": ""}, verdict{}},
		{"wrong password", map[string]any{"password": "open says me"}, verdict{err: "Login failed: Access denied for user 'native'@"}},
		{"password missing", map[string]any{"password": ""}, verdict{err: "Login failed: Access denied for user 'native'@"}},
		{"another way", map[string]any{"user": "ed"}, verdict{err: "Login failed: the server wants a login by client_ed25519, which cannot be made"}},
		{"database", map[string]any{"database": "shop", "query": "SELECT database()"}, verdict{message: "shop"}},
		{"unknown database", map[string]any{"user": "root", "password": "", "database": "shoe"}, verdict{err: "Login failed: Unknown database 'shoe' (1049)"}},
		{"query", map[string]any{"query": "SELECT 6 * 7"}, verdict{message: "42"}},
		{"text", map[string]any{"query": "SELECT 'é', 2 UNION SELECT 'b', 3", "expect": "^é$"}, verdict{message: "é"}},
		{"not as expected", map[string]any{"query": "SELECT 'abc'", "expect": "^a$"}, verdict{err: "Failed to find match regex /^a$/ in abc"}},
		{"null", map[string]any{"query": "SELECT NULL", "expect": "^NULL$"}, verdict{message: "NULL"}},
		{"no row", map[string]any{"query": "SELECT 1 FROM dual WHERE false", "expect": "1"}, verdict{err: "The query gave no row"}},
		{"no answer", map[string]any{"query": "SET @a = 1"}, verdict{message: "1"}},
		{"above", map[string]any{"query": "SELECT 120", "fail": 100}, verdict{err: "The value is 120 (> 100)"}},
		{"warns", map[string]any{"query": "SELECT 120", "warn": 100, "fail": 200}, verdict{err: "The value is 120 (> 100)", severity: engine.StatusWarning}},
		{"neither", map[string]any{"query": "SELECT 120", "comparison": "<", "warn": 100}, verdict{message: "120"}},
		{"no number", map[string]any{"query": "SELECT 'x'", "fail": 100}, verdict{unknown: true, err: "The query gave no number"}},
		{"nothing to compare", map[string]any{"query": "SELECT NULL", "warn": 100}, verdict{unknown: true, err: "The query gave no number"}},
		{"bad query", map[string]any{"query": "SELEC 1"}, verdict{err: "Query failed: You have an error in your SQL syntax"}},
		{"long value", map[string]any{"query": "SELECT repeat('x', 100000)"}, verdict{message: "xxx"}},
		{"middling value", map[string]any{"query": "SELECT repeat('x', 1000)"}, verdict{message: "xxx"}},
		{"too long a value", map[string]any{"query": "SELECT repeat('x', 2000000)"}, verdict{err: "Query failed: the answer is not that of MySQL"}},
		{"too many rows", map[string]any{"query": "SELECT seq FROM seq_1_to_20000", "database": "shop"}, verdict{err: "Query failed: the query gives more than 10000 rows"}},
		{"local file", map[string]any{"query": "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE x", "database": "shop"}, verdict{err: "Query failed: "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.compare(t, b.run("mysql", check{config: with(map[string]any{"host": "127.0.0.1", "port": port, "user": "native", "password": "open sesame"}, tt.config)}))
		})
	}
	config := map[string]any{"host": "127.0.0.1", "port": port, "user": "native", "password": "open sesame", "query": "SELECT 6.5 UNION ALL SELECT 7"}
	got := b.run("mysql", check{config: config})
	if value(t, got, "value") != 6.5 || value(t, got, "rows") != 2 || value(t, got, "connect") <= 0 || value(t, got, "login") <= 0 || value(t, got, "query") <= 0 {
		t.Errorf("got metrics %+v", got.Metrics)
	}
	t.Run("slow", func(t *testing.T) {
		t.Parallel()
		verdict{err: "Query failed: timed out"}.compare(t, b.run("mysql", check{timeout: short, config: with(config, map[string]any{"query": "SELECT sleep(60)"})}))
	})
}

// mysqlPeer is the server's side of a login.
type mysqlPeer struct {
	net.Conn
	sequence byte
}

func (p *mysqlPeer) send(body string) {
	n := len(body)
	fmt.Fprintf(p.Conn, "%s", string([]byte{byte(n), byte(n >> 8), byte(n >> 16), p.sequence})+body)
	p.sequence++
}

func (p *mysqlPeer) receive() []byte {
	var head [4]byte
	if _, err := io.ReadFull(p.Conn, head[:]); err != nil {
		return nil
	}
	p.sequence = head[3] + 1
	body := make([]byte, binary.LittleEndian.Uint32(head[:])&0xffffff)
	_, _ = io.ReadFull(p.Conn, body) // a short packet is one that does not match
	return body
}

const (
	mysqlNonce = "abcdefgh12345678ABCD"
	mysqlOK    = "\x00\x00\x00\x02\x00\x00\x00"
)

func mysqlGreeting(version, plugin string) string {
	return "\x0a" + version + "\x00\x01\x00\x00\x00" + mysqlNonce[:8] + "\x00" + "\xff\xff" + "\x2d" + "\x02\x00" + "\xff\xdf" + "\x15" + strings.Repeat("\x00", 10) + mysqlNonce[8:] + "\x00" + plugin + "\x00"
}

// sha2Proof is the check of caching_sha2_password, as MySQL documents it.
func sha2Proof(password, nonce string) []byte {
	once := sha256.Sum256([]byte(password))
	twice := sha256.Sum256(once[:])
	salted := sha256.Sum256(append(twice[:], nonce...))
	for i := range once {
		once[i] ^= salted[i]
	}
	return once[:]
}

func nativeProof(password, nonce string) []byte {
	once := sha1.Sum([]byte(password))
	twice := sha1.Sum(once[:])
	salted := sha1.Sum(append([]byte(nonce), twice[:]...))
	for i := range once {
		once[i] ^= salted[i]
	}
	return once[:]
}

// TestMysqlPeers speaks with servers that Debian has no package of (MySQL 8), and
// with such as do not keep to the protocol.
func TestMysqlPeers(t *testing.T) {
	t.Parallel()
	certificate := selfSigned(t, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	sha2 := sha2Proof("open sesame", mysqlNonce)
	// answer gives fast or full login by caching_sha2_password.
	caching := func(full bool) func(*mysqlPeer) {
		return func(p *mysqlPeer) {
			p.send(mysqlGreeting("8.4.2", "caching_sha2_password"))
			first := p.receive()
			if len(first) == 32 {
				p.Conn = tls.Server(p.Conn, &tls.Config{Certificates: []tls.Certificate{certificate}})
				first = p.receive()
			}
			switch {
			case !bytes.Contains(first, append([]byte("ada\x00\x20"), sha2...)) || !bytes.HasSuffix(first, []byte("caching_sha2_password\x00")):
				p.send("\xff\x15\x04#28000Access denied for user 'ada'@'localhost' (using password: YES)")
			case full:
				p.send("\x01\x04")
				if string(p.receive()) == "open sesame\x00" {
					p.send(mysqlOK)
				}
			default:
				p.send("\x01\x03")
				p.send(mysqlOK)
			}
			p.receive()
		}
	}
	switching := func(plugin string, proof []byte) func(*mysqlPeer) {
		return func(p *mysqlPeer) {
			p.send(mysqlGreeting("8.0.1", "caching_sha2_password"))
			p.receive()
			p.send("\xfe" + plugin + "\x00" + mysqlNonce + "\x00")
			if bytes.Equal(p.receive(), proof) {
				p.send(mysqlOK)
			}
		}
	}
	say := func(bodies ...string) func(*mysqlPeer) {
		return func(p *mysqlPeer) {
			for i, body := range bodies {
				if i > 0 && p.receive() == nil {
					return
				}
				p.send(body)
			}
			p.receive()
		}
	}
	insecure := map[string]any{"tls": true, "verify": false}
	greeting := mysqlGreeting("8.4.2", "caching_sha2_password")
	b := newBench(t, nil)
	for _, tt := range []struct {
		name   string
		peer   func(*mysqlPeer)
		config map[string]any
		want   verdict
	}{
		{name: "greeting", peer: say(greeting), config: map[string]any{"user": ""}, want: verdict{message: "MySQL 8.4.2"}},
		{name: "MariaDB", peer: say(mysqlGreeting("5.5.5-10.11.6-MariaDB", "mysql_native_password")), config: map[string]any{"user": ""}, want: verdict{message: "10.11.6-MariaDB"}},
		{name: "sha2, seen before", peer: caching(false), want: verdict{message: "MySQL 8.4.2"}},
		{name: "sha2, wrong", peer: caching(false), config: map[string]any{"password": "open says me"}, want: verdict{err: "Login failed: Access denied for user 'ada'@'localhost' (using password: YES) (1045)"}},
		{name: "sha2, in full", peer: caching(true), want: verdict{err: "Login failed: the server wants the password itself, which is sent over TLS only"}},
		{name: "sha2, in full over TLS", peer: caching(true), config: insecure},
		{name: "sha2 over TLS", peer: caching(false), config: insecure},
		{name: "switch to native", peer: switching("mysql_native_password", nativeProof("open sesame", mysqlNonce))},
		{name: "switch to clear", peer: switching("mysql_clear_password", []byte("open sesame\x00")), want: verdict{err: "Login failed: the server wants a login by mysql_clear_password, which cannot be made"}},
		{name: "switch to old", peer: say(greeting, "\xfe"), want: verdict{err: "Login failed: the server asks for an old password, which cannot be given"}},
		{name: "too many", peer: say("\xff\x10\x04Too many connections"), want: verdict{err: "No greeting: Too many connections (1040)"}},
		{name: "old protocol", peer: say("\x093.23.58\x00\x01\x00\x00\x00abcdefgh\x00"), want: verdict{err: "No greeting: the answer is not that of MySQL"}},
		{name: "empty packet", peer: say(""), want: verdict{err: "No greeting: the answer is not that of MySQL"}},
		{name: "short greeting", peer: say(greeting[:20]), want: verdict{err: "No greeting: the answer is not that of MySQL"}},
		{name: "short error", peer: say("\xff"), want: verdict{err: "No greeting:  (no number)"}},
		{name: "odd answer", peer: say(greeting, "\x07"), want: verdict{err: "Login failed: the answer is not that of MySQL"}},
		{name: "wants a file", peer: say(greeting, mysqlOK, "\xfb/etc/passwd"), config: map[string]any{"query": "SELECT 1"}, want: verdict{err: "Query failed: the query wants a file"}},
		{name: "no TLS", peer: say(strings.Replace(greeting, "\xff\xff", "\xff\xf7", 1)), config: insecure, want: verdict{err: "Login failed: the server does not speak TLS"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.waiting(t)
			port := listen(t, func(c net.Conn) { tt.peer(&mysqlPeer{Conn: c}) })
			tt.want.compare(t, b.run("mysql", check{timeout: tt.want.patience(), config: with(map[string]any{"host": "127.0.0.1", "port": port, "user": "ada", "password": "open sesame"}, tt.config)}))
		})
	}
	for name, port := range faulty(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := map[string]string{"refused": "Connection refused by 127.0.0.1:", "silent": "No greeting: timed out", "closing": "No greeting: timed out", "babbling": "No greeting: the answer is not that of MySQL"}[name]
			verdict{err: want}.compare(t, b.run("mysql", check{timeout: verdict{err: want}.patience(), config: map[string]any{"host": "127.0.0.1", "port": port}}))
		})
	}
	closing := listen(t, func(net.Conn) {})
	verdict{err: "No greeting: connection closed"}.compare(t, b.run("mysql", check{config: map[string]any{"host": "127.0.0.1", "port": closing}}))
}

func TestMysqlConfig(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	good := map[string]any{"user": "ada", "query": "SELECT 1"}
	values := b.checkConfig(t, "mysql", good, complaint{nil, ""}, complaint{map[string]any{"host": "a b"}, "host"}, complaint{map[string]any{"port": 0}, "port"},
		complaint{map[string]any{"user": nil}, "user"}, complaint{map[string]any{"user": nil, "query": nil}, ""}, complaint{map[string]any{"expect": "("}, "expect"})
	if fmt.Sprintf("%v %v", values["host"], values["port"]) != "localhost 3306" {
		t.Errorf("got defaults %v", values)
	}
	if got := b.description(t, "mysql", good); got != "MySQL at localhost port 3306: SELECT 1" {
		t.Errorf("got description %q", got)
	}
}
