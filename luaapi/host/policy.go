package host

import "net/netip"

// refusedRanges are never reached unless Options.Allow names a range at least as narrow.
var refusedRanges = [...]string{
	"0.0.0.0/8", "::/128", // unspecified, "this network"
	"224.0.0.0/4", "ff00::/8", "255.255.255.255/32", // multicast, broadcast
	"169.254.0.0/16", "fe80::/10", // link-local, where most clouds keep their metadata
	"100.100.100.200/32",                // Alibaba Cloud's metadata
	"192.0.0.192/32",                    // Oracle Cloud's metadata
	"168.63.129.16/32",                  // Azure's platform address
	"fd00:ec2::/32", "fd20:ce::254/128", // AWS's and Google Cloud's metadata
	"fd00:42::42/128", "fd00:a9fe:a9fe::/48", // Scaleway's metadata; 169.254.169.254 as others embed it
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
	for _, text := range refusedRanges {
		p.rules = append(p.rules, rule{prefix: netip.MustParsePrefix(text)})
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

// embeddedIPv4 returns the IPv4 address that a translator (NAT64) or a tunnel
// (6to4, IPv4-compatible) makes of an IPv6 address.
func embeddedIPv4(addr netip.Addr) (netip.Addr, bool) {
	if !addr.Is6() {
		return netip.Addr{}, false
	}
	b := addr.As16()
	switch {
	case netip.MustParsePrefix("64:ff9b::/96").Contains(addr),
		netip.MustParsePrefix("::/96").Contains(addr) && !addr.IsLoopback() && !addr.IsUnspecified():
		return netip.AddrFrom4([4]byte(b[12:16])), true
	case b[0] == 0x20 && b[1] == 0x02:
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return netip.Addr{}, false
}
