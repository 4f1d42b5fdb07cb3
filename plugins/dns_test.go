package plugins_test

import (
	"fmt"
	"net"
	"testing"

	"github.com/miekg/dns"
)

// serveDNS answers from a zone, in the text form of records, over UDP.
func serveDNS(t *testing.T, zone map[string][]string) string {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: socket, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg)
		m.SetReply(q)
		records, ok := zone[q.Question[0].Name]
		switch {
		case q.Question[0].Name == "broken.example.":
			m.Rcode = dns.RcodeServerFailure
		case q.Question[0].Name == "silent.example.":
			return
		case !ok:
			m.Rcode = dns.RcodeNameError
		}
		for _, text := range records {
			rr, err := dns.NewRR(q.Question[0].Name + " 300 IN " + text)
			if err != nil {
				t.Error(err)
				continue
			}
			if rr.Header().Rrtype == q.Question[0].Qtype {
				m.Answer = append(m.Answer, rr)
			}
		}
		_ = w.WriteMsg(m)
	})}
	go server.ActivateAndServe()
	t.Cleanup(func() { server.Shutdown() })
	return socket.LocalAddr().String()
}

func TestDNS(t *testing.T) {
	t.Parallel()
	resolver := serveDNS(t, map[string][]string{
		"www.example.":            {"A 192.0.2.1", "A 192.0.2.2", "AAAA 2001:db8::1", `TXT "v=spf1 a, mx -all"`, "CAA 0 issue \"ca.example\""},
		"example.":                {"MX 10 Mail.example.", "MX 20 backup.example.", "NS ns1.example.", "SRV 1 2 5060 sip.example.", "SOA ns1.example. root.example. 7 1 1 1 1"},
		"empty.example.":          {},
		"1.2.0.192.in-addr.arpa.": {"PTR www.example."},
	})
	b := newBench(t, nil)
	for _, tt := range []struct {
		name, kind, expected string
		exact                bool
		want                 verdict
	}{
		{name: "www.example", want: verdict{message: "192.0.2.1, 192.0.2.2"}},
		{name: "www.example", expected: "192.0.2.2"},
		{name: "www.example", expected: "192.0.2.2, 192.0.2.1", exact: true},
		{name: "www.example", expected: "192.0.2.1\n192.0.2.9", want: verdict{err: "Missing from the A records of www.example: 192.0.2.9 (got 192.0.2.1, 192.0.2.2)", raw: "A 300 192.0.2.1"}},
		{name: "www.example", expected: "192.0.2.1", exact: true, want: verdict{err: "Unexpected in the A records of www.example: 192.0.2.2"}},
		{name: "www.example", exact: true},
		{name: "www.example", kind: "AAAA", expected: "2001:DB8::1"},
		{name: "www.example", kind: "TXT", expected: "v=spf1 a, mx -all", exact: true},
		{name: "www.example", kind: "TXT", expected: "V=spf1 a, mx -all", want: verdict{err: "Missing from the TXT records"}},
		{name: "www.example", kind: "CAA", expected: `0 issue "ca.example"`},
		{name: "example", kind: "MX", expected: "mail.example., 20 backup.example", exact: true},
		{name: "example", kind: "MX", expected: "20 mail.example", want: verdict{err: "Missing from the MX records of example: 20 mail.example (got 10 Mail.example, 20 backup.example)", raw: "MX 300 10 Mail.example"}},
		{name: "example", kind: "SRV", expected: "1 2 5060 sip.example"},
		{name: "example", kind: "NS", expected: "NS1.example."},
		{name: "example", kind: "SOA"},
		{name: "192.0.2.1", kind: "PTR", expected: "www.example"},
		{name: "empty.example", want: verdict{err: "No A record for empty.example"}},
		{name: "www.example", kind: "MX", want: verdict{err: "No MX record for www.example"}},
		{name: "gone.example", want: verdict{err: "no such name: gone.example"}},
		{name: "broken.example", want: verdict{err: "the name server answered SERVFAIL for broken.example"}},
		{name: "silent.example", want: verdict{err: "timed out"}},
		{name: "not a name..", want: verdict{err: "not a domain name"}},
	} {
		t.Run(tt.name+" "+tt.kind+" "+tt.expected, func(t *testing.T) {
			tt.want.waiting(t)
			config := map[string]any{"hostname": tt.name, "resolver": resolver, "expected": tt.expected, "exact": tt.exact}
			if tt.kind != "" {
				config["record_type"] = tt.kind
			}
			got := b.run("dns", check{config: config, timeout: tt.want.patience()})
			tt.want.compare(t, got)
			if m, ok := metric(got, "time"); tt.want.err == "" && (!ok || m.Value <= 0 || m.Unit != "s") {
				t.Errorf("got metric %+v", m)
			}
		})
	}
	got := b.run("dns", check{config: map[string]any{"hostname": "a.example", "resolver": fmt.Sprintf("127.0.0.1:%d", closedPort(t))}})
	verdict{err: "connection refused by "}.compare(t, got)
}

func TestDNSConfig(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	good := map[string]any{"hostname": "www.example"}
	values := b.checkConfig(t, "dns", good, complaint{nil, ""}, complaint{map[string]any{"hostname": nil}, "hostname"}, complaint{map[string]any{"record_type": "AXFR"}, "record_type"})
	if values["record_type"] != "A" {
		t.Errorf("got defaults %v", values)
	}
	if got := b.description(t, "dns", with(good, map[string]any{"resolver": "192.0.2.53"})); got != "A record of www.example at 192.0.2.53" {
		t.Errorf("got description %q", got)
	}
}
