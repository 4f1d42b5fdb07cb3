package host

import (
	"net/netip"
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
