package host

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// dnsServer answers from a zone text by UDP and TCP, and returns its address.
func dnsServer(t *testing.T, zone string) string {
	t.Helper()
	records := map[string][]dns.RR{}
	parser := dns.NewZoneParser(strings.NewReader(zone), "test.", "")
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		name := rr.Header().Name
		records[name] = append(records[name], rr)
	}
	if err := parser.Err(); err != nil {
		t.Fatal(err)
	}
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg)
		m.SetReply(q)
		name := q.Question[0].Name
		_, overTCP := w.RemoteAddr().(*net.TCPAddr)
		switch {
		case (name == "old.test." || name == "older.test.") && q.IsEdns0() != nil:
			m.Rcode = map[string]int{"old.test.": dns.RcodeFormatError, "older.test.": dns.RcodeNotImplemented}[name]
		case name == "broken.test.":
			m.Rcode = dns.RcodeServerFailure
		case name == "silent.test.":
			return
		case name == "big.test." && !overTCP:
			m.Truncated = true
		case records[name] == nil:
			m.Rcode = dns.RcodeNameError
		default:
			for _, rr := range records[name] {
				if rr.Header().Rrtype == q.Question[0].Qtype || rr.Header().Rrtype == dns.TypeCNAME {
					m.Answer = append(m.Answer, rr)
				}
			}
		}
		w.WriteMsg(m)
	})
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", packets.LocalAddr().String())
	if err != nil {
		t.Skip("no port is free for both UDP and TCP")
	}
	for _, s := range []*dns.Server{{PacketConn: packets, Handler: handler}, {Listener: listener, Handler: handler}} {
		go s.ActivateAndServe()
		t.Cleanup(func() { s.Shutdown() })
	}
	return packets.LocalAddr().String()
}

const testZone = `
www   60 IN A 192.0.2.1
www   60 IN A 192.0.2.2
www   60 IN AAAA 2001:db8::1
@    300 IN MX 10 mail.test.
@    300 IN TXT "v=spf1 " "a\"b"
_s._tcp 5 IN SRV 1 2 5060 sip.test.
big    5 IN A 192.0.2.9
old    5 IN A 192.0.2.8
older  5 IN A 192.0.2.7
@     30 IN CAA 0 issue "ca.test"
@     30 IN SOA ns.test. admin.test. 1 2 3 4 5
1.2.0.192.in-addr.arpa. 9 IN PTR www.test.
`

func TestLookup(t *testing.T) {
	server := dnsServer(t, testZone)
	n := newNet(t, nil)
	tests := []struct {
		name, kind string
		want       []Record
	}{
		{"www.test", "A", []Record{{"A", "192.0.2.1", 60, -1}, {"A", "192.0.2.2", 60, -1}}},
		{"www.test.", "aaaa", []Record{{"AAAA", "2001:db8::1", 60, -1}}},
		{"test", "MX", []Record{{"MX", "mail.test", 300, 10}}},
		{"test", "TXT", []Record{{"TXT", `v=spf1 a"b`, 300, -1}}},
		{"_s._tcp.test", "SRV", []Record{{"SRV", "2 5060 sip.test", 5, 1}}},
		{"big.test", "A", []Record{{"A", "192.0.2.9", 5, -1}}},
		{"test", "CAA", []Record{{"CAA", `0 issue "ca.test"`, 30, -1}}},
		{"test", "SOA", []Record{{"SOA", "ns.test. admin.test. 1 2 3 4 5", 30, -1}}},
		{"192.0.2.1", "PTR", []Record{{"PTR", "www.test", 9, -1}}},
		{"old.test", "A", []Record{{"A", "192.0.2.8", 5, -1}}}, // answers FORMERR to EDNS
		{"older.test", "A", []Record{{"A", "192.0.2.7", 5, -1}}},
		{"www.test", "MX", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name+" "+tt.kind, func(t *testing.T) {
			got, err := n.Lookup(within(t, 5*time.Second), &LookupRequest{Name: tt.name, Type: tt.kind, Server: server})
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(tt.want) {
				t.Fatalf("got %+v, want %+v", got, tt.want)
			}
			for i := range got {
				if got[i] != tt.want[i] {
					t.Errorf("got %+v, want %+v", got[i], tt.want[i])
				}
			}
		})
	}
}

func TestLookupErrors(t *testing.T) {
	server := dnsServer(t, testZone)
	n := newNet(t, func(o *Options) { o.Nameservers = []string{server} })
	tests := []struct {
		name string
		req  LookupRequest
		kind Kind
		text string
	}{
		{"no such name", LookupRequest{Name: "gone.test", Type: "A"}, DNS, "no such name: gone.test"},
		{"server failure", LookupRequest{Name: "broken.test", Type: "A"}, DNS, "SERVFAIL"},
		{"silent", LookupRequest{Name: "silent.test", Type: "A"}, Timeout, "timed out"},
		{"bad type", LookupRequest{Name: "www.test", Type: "Q"}, Invalid, "not a type"},
		{"zone transfer", LookupRequest{Name: "test", Type: "AXFR"}, Invalid, "not a type"},
		{"bad name", LookupRequest{Name: "a..b", Type: "A"}, Invalid, "not a domain name"},
		{"no name", LookupRequest{Type: "A"}, Invalid, "not a domain name"},
		{"metadata as server", LookupRequest{Name: "www.test", Type: "A", Server: "169.254.169.253"}, Denied, "may not be reached"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := n.Lookup(within(t, 300*time.Millisecond), &tt.req)
			wantError(t, err, tt.kind, tt.text)
		})
	}
}

func TestLookupAsksTheNextServer(t *testing.T) {
	n := newNet(t, func(o *Options) {
		o.Nameservers = []string{net.JoinHostPort("127.0.0.1", "1"), dnsServer(t, testZone)}
	})
	got, err := n.Lookup(within(t, 5*time.Second), &LookupRequest{Name: "www.test", Type: "AAAA"})
	if err != nil || len(got) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestUnescapeText(t *testing.T) {
	for in, want := range map[string]string{`a`: "a", `\"`: `"`, `\\`: `\`, `\065b`: "Ab", `\255`: "\xff", `x\`: `x\`, `\9`: "9"} {
		if got := unescapeText(in); got != want {
			t.Errorf("unescapeText(%q) = %q, want %q", in, got, want)
		}
	}
}
