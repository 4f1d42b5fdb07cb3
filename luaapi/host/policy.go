package host

import "net/netip"

// specialRange is a block of addresses with a purpose of its own.
type specialRange struct {
	prefix  string
	purpose string
	refused bool
}

// specialRanges are the blocks of IANA's registries of special-purpose addresses
// (IPv4 and IPv6), and the addresses of clouds' metadata. What is refused is
// never reached unless Options.Allow names a range at least as narrow. What is
// a network of somebody's own, or leads nowhere, may be reached. Blocks that
// carry an IPv4 address inside are judged by that address, see embeddedIPv4.
var specialRanges = [...]specialRange{
	{"0.0.0.0/8", `"this network"`, true},
	{"10.0.0.0/8", "private", false},
	{"100.64.0.0/10", "shared address space", false},
	{"127.0.0.0/8", "loopback", false},
	{"169.254.0.0/16", "link-local, where most clouds keep their metadata", true},
	{"172.16.0.0/12", "private", false},
	{"192.0.0.0/24", "IETF protocol assignments, Oracle Cloud's metadata", true},
	{"192.0.2.0/24", "documentation", false},
	{"192.31.196.0/24", "AS112", false},
	{"192.52.193.0/24", "AMT", false},
	{"192.88.99.0/24", "6to4 relay anycast", true},
	{"192.168.0.0/16", "private", false},
	{"192.175.48.0/24", "AS112", false},
	{"198.18.0.0/15", "benchmarking", false},
	{"198.51.100.0/24", "documentation", false},
	{"203.0.113.0/24", "documentation", false},
	{"224.0.0.0/4", "multicast", true},
	{"240.0.0.0/4", "reserved, broadcast", true},

	{"::/128", "unspecified", true},
	{"::1/128", "loopback", false},
	{"64:ff9b::/96", "NAT64", false}, // by the address inside
	{"64:ff9b:1::/48", "NAT64 of local use: where the IPv4 address stands in it is not known", true},
	{"100::/64", "discard only", true},
	{"100:0:0:1::/64", "dummy prefix", true},
	{"2001::/32", "Teredo", true},
	{"2001:1::/32", "protocol anycast", true},
	{"2001:2::/48", "benchmarking", false},
	{"2001:3::/32", "AMT", false},
	{"2001:4:112::/48", "AS112", false},
	{"2001:10::/28", "ORCHID", true},
	{"2001:20::/28", "ORCHIDv2", true},
	{"2001:30::/28", "DRIP", true},
	{"2001:db8::/32", "documentation", false},
	{"2002::/16", "6to4", false}, // by the address inside
	{"2620:4f:8000::/48", "AS112", false},
	{"3fff::/20", "documentation", false},
	{"5f00::/16", "SRv6 SIDs", true},
	{"fc00::/7", "unique-local", false},
	{"fe80::/10", "link-local", true},
	{"ff00::/8", "multicast", true},

	{"100.100.100.200/32", "Alibaba Cloud's metadata", true},
	{"168.63.129.16/32", "Azure's platform address", true},
	{"fd00:ec2::/32", "AWS's metadata", true},
	{"fd20:ce::254/128", "Google Cloud's metadata", true},
	{"fd00:42::42/128", "Scaleway's metadata", true},
	{"fd00:a9fe:a9fe::/48", "169.254.169.254 as some embed it", true},
}

// policy decides which addresses may be reached. It is immutable.
type policy struct {
	rules []rule
}

// rule is one range; the later of two rules of one length wins.
type rule struct {
	prefix netip.Prefix
	allow  bool
}

func newPolicy(allow, deny []netip.Prefix) policy {
	var p policy
	for _, special := range specialRanges {
		if special.refused {
			p.rules = append(p.rules, rule{prefix: netip.MustParsePrefix(special.prefix)})
		}
	}
	for _, prefix := range allow {
		p.rules = append(p.rules, rule{prefix: plainPrefix(prefix), allow: true})
	}
	for _, prefix := range deny {
		p.rules = append(p.rules, rule{prefix: plainPrefix(prefix)})
	}
	return p
}

// plainPrefix writes a range of IPv4-mapped addresses as the IPv4 range it is.
func plainPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96).Masked()
	}
	return p.Masked()
}

// allows reports whether addr may be reached.
func (p policy) allows(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	if !addr.IsValid() {
		return false
	}
	if inner, ok := embeddedIPv4(addr); ok && !p.allows(inner) {
		return false
	}
	allowed, bits := true, -1
	for _, r := range p.rules {
		if r.prefix.Bits() >= bits && r.prefix.Contains(addr) {
			allowed, bits = r.allow, r.prefix.Bits()
		}
	}
	return allowed
}

// The blocks in which a translator or a tunnel finds an IPv4 address.
var (
	nat64      = netip.MustParsePrefix("64:ff9b::/96")
	nat64Local = netip.MustParsePrefix("64:ff9b:1::/48") // when an operator allows it, as its /96 has it
	translated = netip.MustParsePrefix("::ffff:0:0:0/96")
	compatible = netip.MustParsePrefix("::/96")
	sixToFour  = netip.MustParsePrefix("2002::/16")
)

// embeddedIPv4 returns the IPv4 address that a translator (NAT64, SIIT) or a
// tunnel (6to4, ISATAP, IPv4-compatible) makes of an IPv6 address.
func embeddedIPv4(addr netip.Addr) (netip.Addr, bool) {
	if !addr.Is6() {
		return netip.Addr{}, false
	}
	b := addr.As16()
	switch {
	case nat64.Contains(addr), nat64Local.Contains(addr), translated.Contains(addr),
		compatible.Contains(addr) && !addr.IsLoopback() && !addr.IsUnspecified(),
		b[8]&^0x02 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe: // ISATAP, below any prefix
		return netip.AddrFrom4([4]byte(b[12:16])), true
	case sixToFour.Contains(addr):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return netip.Addr{}, false
}
