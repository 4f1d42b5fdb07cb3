package host

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// resolvConf names the system's name servers.
const resolvConf = "/etc/resolv.conf"

// maxRecords bounds an answer.
const maxRecords = 1000

// Lookup asks the DNS. Servers that a plugin names are within the address
// policy; the system's own are always asked.
func (n *Net) Lookup(ctx context.Context, req *LookupRequest) ([]Record, error) {
	kind, ok := dns.StringToType[strings.ToUpper(req.Type)]
	if !ok || kind == dns.TypeAXFR || kind == dns.TypeIXFR || kind == dns.TypeOPT {
		return nil, &Error{Invalid, "not a type of DNS record: " + given(req.Type)}
	}
	name := req.Name
	if addr, err := netip.ParseAddr(name); err == nil && kind == dns.TypePTR {
		if name, err = dns.ReverseAddr(addr.Unmap().WithZone("").String()); err != nil {
			return nil, &Error{Invalid, "not an address: " + given(req.Name)}
		}
	}
	name, err := asciiName(name)
	if err != nil {
		return nil, err
	}
	if _, ok := dns.IsDomainName(name); !ok || name == "" {
		return nil, &Error{Invalid, "not a domain name: " + given(req.Name)}
	}
	servers, names, err := n.nameservers(ctx, req.Server, name)
	if err != nil {
		return nil, err
	}
	var answer *dns.Msg
	for _, candidate := range names {
		answer, err = ask(ctx, servers, candidate, kind)
		if err != nil {
			return nil, err
		}
		if answer.Rcode != dns.RcodeNameError {
			break
		}
	}
	return readAnswer(answer, kind, req.Name)
}

// nameservers returns whom to ask, as "address:port", and for which full names.
func (n *Net) nameservers(ctx context.Context, server, name string) (servers, names []string, err error) {
	full := []string{dns.Fqdn(name)}
	if server != "" {
		servers, err = n.namedServer(ctx, server)
		return servers, full, err
	}
	if n.options.Nameservers != nil {
		return n.options.Nameservers, full, nil
	}
	config, err := dns.ClientConfigFromFile(resolvConf)
	if err != nil || len(config.Servers) == 0 {
		return nil, nil, &Error{DNS, "the system names no DNS server"}
	}
	for _, s := range config.Servers {
		servers = append(servers, net.JoinHostPort(s, config.Port))
	}
	return servers, config.NameList(name), nil
}

func (n *Net) namedServer(ctx context.Context, server string) ([]string, error) {
	name, port := strings.Trim(server, "[]"), 53
	if h, p, err := splitHostPort(server); err == nil {
		name, port = h, p
	}
	addrs, err := n.resolve(ctx, name)
	if err != nil {
		return nil, err
	}
	return []string{netip.AddrPortFrom(addrs[0], uint16(port)).String()}, nil
}

// ask asks one server after the other until one answers.
func ask(ctx context.Context, servers []string, name string, kind uint16) (*dns.Msg, error) {
	query := new(dns.Msg)
	query.SetQuestion(name, kind)
	query.SetEdns0(1232, false)
	var last error
	for i, server := range servers {
		attempt, cancel := share(ctx, len(servers)-i)
		answer, err := askOne(attempt, query, server)
		cancel()
		if err == nil && (answer.Rcode != dns.RcodeServerFailure && answer.Rcode != dns.RcodeRefused || i == len(servers)-1) {
			return answer, nil
		}
		if err == nil {
			err = &Error{DNS, "the name server " + server + " answered " + dns.RcodeToString[answer.Rcode]}
		}
		last = explainLookup(ctx, err, server)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, last
}

// share gives one of the remaining attempts its part of the time, at most 5 seconds.
func share(ctx context.Context, attempts int) (context.Context, context.CancelFunc) {
	if attempts == 1 {
		return context.WithCancel(ctx)
	}
	part := 5 * time.Second
	if deadline, ok := ctx.Deadline(); ok {
		part = min(part, time.Until(deadline)/time.Duration(attempts))
	}
	return context.WithTimeout(ctx, part)
}

// askOne asks by UDP, once more after a lost packet, and by TCP when the answer
// does not fit. A server that does not understand EDNS is asked without it.
func askOne(ctx context.Context, query *dns.Msg, server string) (*dns.Msg, error) {
	answer, err := exchangeDNS(ctx, "udp", query, server)
	if err == nil && query.IsEdns0() != nil && (answer.Rcode == dns.RcodeFormatError || answer.Rcode == dns.RcodeNotImplemented) {
		query = query.Copy()
		query.Extra = nil
		answer, err = exchangeDNS(ctx, "udp", query, server)
	}
	if err == nil && answer.Truncated {
		return exchangeDNS(ctx, "tcp", query, server)
	}
	return answer, err
}

func exchangeDNS(ctx context.Context, network string, query *dns.Msg, server string) (*dns.Msg, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, network, server)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer bindDeadline(ctx, conn)()
	// The library sets its own deadlines below; bindDeadline's stands for a
	// context that ends early.
	client := dns.Client{Net: network, UDPSize: 1232, Timeout: time.Hour}
	if deadline, ok := ctx.Deadline(); ok {
		client.Timeout = time.Until(deadline)
	}
	if network == "udp" {
		return resend(ctx, &client, query, conn)
	}
	answer, _, err := client.ExchangeWithConnContext(ctx, query, &dns.Conn{Conn: conn})
	return answer, err
}

// resend asks up to three times by UDP, since packets are lost.
func resend(ctx context.Context, client *dns.Client, query *dns.Msg, conn net.Conn) (*dns.Msg, error) {
	total := client.Timeout
	for try := 1; ; try++ {
		client.Timeout = min(total, time.Duration(try)*time.Second)
		if try == 3 {
			client.Timeout = total
		}
		answer, _, err := client.ExchangeWithConnContext(ctx, query, &dns.Conn{Conn: conn, UDPSize: 1232})
		var timeout net.Error
		if try < 3 && ctx.Err() == nil && errors.As(err, &timeout) && timeout.Timeout() {
			continue
		}
		return answer, err
	}
}

func explainLookup(ctx context.Context, err error, server string) *Error {
	e := explain(ctx, err, "the name server "+server)
	if e.Kind == Protocol {
		e.Kind = DNS
	}
	return e
}

// readAnswer turns an answer into records of the type that was asked for.
func readAnswer(answer *dns.Msg, kind uint16, name string) ([]Record, error) {
	switch answer.Rcode {
	case dns.RcodeSuccess:
	case dns.RcodeNameError:
		return nil, &Error{DNS, "no such name: " + name}
	default:
		return nil, &Error{DNS, "the name server answered " + dns.RcodeToString[answer.Rcode] + " for " + name}
	}
	records := []Record{}
	for _, rr := range answer.Answer {
		if kind == dns.TypeANY || rr.Header().Rrtype == kind {
			records = append(records, record(rr))
		}
		if len(records) == maxRecords {
			break
		}
	}
	return records, nil
}

// record turns a resource record into ours. Names lose the dot at their end.
func record(rr dns.RR) Record {
	r := Record{Type: dns.TypeToString[rr.Header().Rrtype], TTL: int(rr.Header().Ttl), Preference: -1}
	switch rr := rr.(type) {
	case *dns.A:
		r.Value = rr.A.String()
	case *dns.AAAA:
		r.Value = rr.AAAA.String()
	case *dns.CNAME:
		r.Value = bare(rr.Target)
	case *dns.NS:
		r.Value = bare(rr.Ns)
	case *dns.PTR:
		r.Value = bare(rr.Ptr)
	case *dns.MX:
		r.Value, r.Preference = bare(rr.Mx), int(rr.Preference)
	case *dns.SRV:
		r.Value = strconv.Itoa(int(rr.Weight)) + " " + strconv.Itoa(int(rr.Port)) + " " + bare(rr.Target)
		r.Preference = int(rr.Priority)
	case *dns.TXT:
		r.Value = unescapeText(strings.Join(rr.Txt, ""))
	default:
		r.Value = strings.TrimPrefix(rr.String(), rr.Header().String())
	}
	return r
}

// bare drops the dot at the end of a full name; the root stays ".".
func bare(name string) string {
	if name == "." {
		return name
	}
	return strings.TrimSuffix(name, ".")
}

// unescapeText undoes the library's \" \\ and \DDD.
func unescapeText(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		if i+3 < len(text) {
			if code, err := strconv.ParseUint(text[i+1:i+4], 10, 8); err == nil {
				b.WriteByte(byte(code))
				i += 3
				continue
			}
		}
		i++
		b.WriteByte(text[i])
	}
	return b.String()
}
