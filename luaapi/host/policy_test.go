package host

import (
	"net/netip"
	"strings"
	"testing"
)

func TestPolicyDefaults(t *testing.T) {
	p := newPolicy(nil, nil)
	for addr, want := range map[string]bool{
		"127.0.0.1": true, "::1": true, "10.1.2.3": true, "192.168.0.1": true, "fd12::1": true, "8.8.8.8": true, "2001:db8::1": true,
		"169.254.169.254": false, "169.254.0.1": false, "fe80::1": false, "fe80::1%eth0": false, "febf::1": false,
		"::ffff:169.254.169.254": false, "64:ff9b::a9fe:a9fe": false, "2002:a9fe:a9fe::1": false, "::169.254.169.254": false,
		"fd00:ec2::254": false, "100.100.100.200": false, "192.0.0.192": false, "168.63.129.16": false, "fd20:ce::254": false,
		"0.0.0.0": false, "0.1.2.3": false, "::": false, "224.0.0.1": false, "239.255.255.250": false, "ff02::1": false, "255.255.255.255": false,
		"100.100.100.201": true, "::ffff:127.0.0.1": true, "64:ff9b::808:808": true,
	} {
		if got := p.allows(netip.MustParseAddr(addr)); got != want {
			t.Errorf("allows(%s) = %v, want %v", addr, got, want)
		}
	}
	if p.allows(netip.Addr{}) {
		t.Error("the invalid address is allowed")
	}
}

// TestSpecialRanges holds each block of IANA's registries at its first and last
// address, and the addresses that carry an IPv4 address inside.
func TestSpecialRanges(t *testing.T) {
	p := newPolicy(nil, nil)
	inside := map[string]bool{ // judged by the address inside
		"64:ff9b::/96": true, "2002::/16": true,
	}
	for _, special := range specialRanges {
		prefix := netip.MustParsePrefix(special.prefix)
		if prefix != prefix.Masked() {
			t.Errorf("%s has bits beyond its length", prefix)
		}
		last := prefix.Addr().AsSlice()
		for bit := prefix.Bits(); bit < len(last)*8; bit++ {
			last[bit/8] |= 0x80 >> (bit % 8)
		}
		end, _ := netip.AddrFromSlice(last)
		for _, addr := range []netip.Addr{prefix.Addr(), end} {
			if !inside[special.prefix] && p.allows(addr) == special.refused {
				t.Errorf("%s (%s): allows(%s) = %v", special.prefix, special.purpose, addr, !special.refused)
			}
		}
		allowed := newPolicy([]netip.Prefix{prefix}, nil)
		if special.refused && !inside[special.prefix] && special.prefix != "::/128" && !allowed.allows(end) && special.prefix != "64:ff9b:1::/48" {
			t.Errorf("%s is refused although it is allowed by name", special.prefix)
		}
	}
	for _, wrap := range []string{"::ffff:%s", "::%s", "64:ff9b::%s", "::ffff:0:%s", "fd00::5efe:%s", "fd00::200:5efe:%s"} {
		for v4, want := range map[string]bool{"10.0.0.1": true, "93.184.216.34": true, "169.254.169.254": false, "224.0.0.1": false, "0.0.0.0": false, "192.0.0.192": false, "168.63.129.16": false} {
			addr := netip.MustParseAddr(strings.Replace(wrap, "%s", v4, 1))
			if got := p.allows(addr); got != want {
				t.Errorf("allows(%s) = %v, want %v", addr, got, want)
			}
		}
		private := newPolicy(nil, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")})
		if private.allows(netip.MustParseAddr(strings.Replace(wrap, "%s", "10.0.0.1", 1))) {
			t.Errorf("a denied address is allowed as %s", wrap)
		}
	}
	for addr, want := range map[string]bool{
		"2002:a00:1::1": true, "2002:a9fe:a9fe::1": false, "64:ff9b:1::a9fe:a9fe": false, "64:ff9b:1:a9fe:a9:fe00::": false, "64:ff9b:1::808:808": false,
		"2001:0:a9fe:a9fe::1": false, "2001:4860:4860::8888": true, "2606:4700::1": true, "1.1.1.1": true, "172.32.0.1": true, "198.20.0.1": true,
	} {
		if got := p.allows(netip.MustParseAddr(addr)); got != want {
			t.Errorf("allows(%s) = %v, want %v", addr, got, want)
		}
	}
	local := newPolicy([]netip.Prefix{netip.MustParsePrefix("64:ff9b:1::/48")}, nil)
	if !local.allows(netip.MustParseAddr("64:ff9b:1::808:808")) || local.allows(netip.MustParseAddr("64:ff9b:1::a9fe:a9fe")) {
		t.Error("NAT64 of local use that is allowed is not judged by the address inside")
	}
}

func TestPolicyLists(t *testing.T) {
	prefixes := func(list ...string) (out []netip.Prefix) {
		for _, p := range list {
			out = append(out, netip.MustParsePrefix(p))
		}
		return out
	}
	tests := []struct {
		name        string
		allow, deny []netip.Prefix
		addr        string
		want        bool
	}{
		{"deny a range", nil, prefixes("10.0.0.0/8"), "10.1.2.3", false},
		{"deny does not spill", nil, prefixes("10.0.0.0/8"), "11.1.2.3", true},
		{"allow inside a denied range", prefixes("10.1.0.0/16"), prefixes("10.0.0.0/8"), "10.1.2.3", true},
		{"deny inside an allowed range", prefixes("10.0.0.0/8"), prefixes("10.1.0.0/16"), "10.1.2.3", false},
		{"deny wins when equal", prefixes("10.0.0.0/8"), prefixes("10.0.0.0/8"), "10.1.2.3", false},
		{"allow everything leaves metadata refused", prefixes("0.0.0.0/0"), nil, "169.254.169.254", false},
		{"allow metadata by name", prefixes("169.254.169.254/32"), nil, "169.254.169.254", true},
		{"allow link-local whole", prefixes("169.254.0.0/16"), nil, "169.254.1.1", true},
		{"only a list", prefixes("10.0.0.0/8"), prefixes("0.0.0.0/0", "::/0"), "8.8.8.8", false},
		{"only a list, in it", prefixes("10.0.0.0/8"), prefixes("0.0.0.0/0", "::/0"), "10.0.0.1", true},
		{"a mapped range", nil, prefixes("::ffff:10.0.0.0/104"), "10.0.0.1", false},
		{"a mapped address", nil, prefixes("10.0.0.0/8"), "::ffff:10.0.0.1", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := newPolicy(tt.allow, tt.deny).allows(netip.MustParseAddr(tt.addr)); got != tt.want {
				t.Errorf("allows(%s) = %v, want %v", tt.addr, got, tt.want)
			}
		})
	}
}

func TestOptionsValidate(t *testing.T) {
	for name, edit := range map[string]func(*Options){
		"per host": func(o *Options) { o.PerHost = 0 },
		"age":      func(o *Options) { o.MaxAge = 0 },
		"exec":     func(o *Options) { o.AllowExec = []string{"ls"} },
	} {
		o := DefaultOptions()
		edit(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s: New took bad options", name)
		}
	}
}
