package webhook

import "net/netip"

// special is a block of addresses that are not some host on the internet.
type special struct {
	prefix netip.Prefix
	what   string
}

// specials are the special-purpose blocks, the more specific first. Of IPv6 only 2000::/3 is given out as global
// unicast, so what lies outside it is refused without a line here; those below only name it.
//
//	https://www.iana.org/assignments/iana-ipv4-special-registry
//	https://www.iana.org/assignments/iana-ipv6-special-registry
//	https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
func specials() []special {
	p := netip.MustParsePrefix
	return []special{
		{p("169.254.169.254/32"), "the metadata service"},
		{p("fd00:ec2::254/128"), "the metadata service"},

		{p("0.0.0.0/8"), "unspecified"},
		{p("10.0.0.0/8"), "private"},
		{p("100.64.0.0/10"), "shared by a carrier (CGNAT)"},
		{p("127.0.0.0/8"), "loopback"},
		{p("169.254.0.0/16"), "link-local"},
		{p("172.16.0.0/12"), "private"},
		{p("192.0.0.0/24"), "reserved for protocols"},
		{p("192.0.2.0/24"), "for documentation"},
		{p("192.88.99.0/24"), "a 6to4 relay"},
		{p("192.168.0.0/16"), "private"},
		{p("198.18.0.0/15"), "for benchmarking"},
		{p("198.51.100.0/24"), "for documentation"},
		{p("203.0.113.0/24"), "for documentation"},
		{p("224.0.0.0/4"), "multicast"},
		{p("240.0.0.0/4"), "reserved"},

		{p("::/128"), "unspecified"},
		{p("::1/128"), "loopback"},
		{p("::ffff:0:0/96"), "an IPv4-mapped address"},
		{p("::/96"), "an IPv4-compatible address"},
		{p("64:ff9b::/96"), "translated to IPv4 (NAT64)"},
		{p("64:ff9b:1::/48"), "translated to IPv4 (local NAT64)"},
		{p("2001::/32"), "tunnelled to IPv4 (Teredo)"},
		{p("2001::/23"), "reserved for protocols"},
		{p("2001:db8::/32"), "for documentation"},
		{p("2002::/16"), "translated to IPv4 (6to4)"},
		{p("3fff::/20"), "for documentation"},
		{p("fc00::/7"), "private (ULA)"},
		{p("fe80::/10"), "link-local"},
		{p("fec0::/10"), "site-local"},
		{p("ff00::/8"), "multicast"},
	}
}

// reserved says what a is if it is not an ordinary public address, and "" if it is one.
func (d *Dialer) reserved(a netip.Addr) string {
	if !a.IsValid() || a.Zone() != "" {
		return "no public address"
	}
	for _, s := range d.specials {
		if s.prefix.Contains(a) {
			return s.what
		}
	}
	if a.Is6() && a.As16()[0]>>5 != 0b001 {
		return "outside of the public IPv6 range"
	}
	return ""
}
