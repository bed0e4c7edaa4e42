package webhook

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"example.com/unbroken/internal/act"
)

const runtimeAddr = "127.0.0.1:9001"

func TestOnlyPublicAndListedAddressesAreDialled(t *testing.T) {
	t.Parallel()
	d, err := NewDialer([]string{"127.0.0.1:4580", "[fd12::3]:443", "10.1.2.3:8443", runtimeAddr, "[::ffff:10.9.9.9]:443"}, runtimeAddr)
	if err != nil {
		t.Fatal(err)
	}
	const open = ""
	for addr, reason := range map[string]string{
		"8.8.8.8:443": open, "1.1.1.1:443": open, "[2606:4700::1111]:443": open, "172.32.0.1:443": open,
		"100.63.255.255:443": open, "100.128.0.1:443": open, "198.20.0.1:443": open, "223.255.255.254:443": open,

		"127.0.0.1:4580": open, "[fd12::3]:443": open, "10.1.2.3:8443": open, "10.9.9.9:443": open,
		"[::ffff:127.0.0.1]:4580": open, // the same address, as listed
		"127.0.0.1:4581":          "loopback", "10.1.2.3:443": "private", "[fd12::3]:444": "private", "[fd12::4]:443": "private",

		"8.8.8.8:80": "only port 443", "8.8.8.8:22": "only port 443", "8.8.8.8:4580": "only port 443", "[2606:4700::1111]:8443": "only port 443",

		"0.0.0.0:443": "unspecified", "0.1.2.3:443": "unspecified", "[::]:443": "unspecified",
		"127.0.0.1:443": "loopback", "127.255.255.254:443": "loopback", "[::1]:443": "loopback",
		"10.0.0.1:443": "private", "172.16.0.1:443": "private", "172.31.255.255:443": "private", "192.168.1.1:443": "private",
		"[fc00::1]:443": "private", "[fdff::1]:443": "private",
		"100.64.0.1:443": "CGNAT", "100.127.255.255:443": "CGNAT",
		"169.254.1.1:443": "link-local", "[fe80::1]:443": "link-local", "[fe80::1%eth0]:443": "no public address", "[fec0::1]:443": "site-local",
		"169.254.169.254:443": "metadata", "169.254.169.254:80": "metadata", "[fd00:ec2::254]:443": "metadata", "[::ffff:169.254.169.254]:80": "metadata",
		"192.0.0.8:443": "protocols", "192.0.2.1:443": "documentation", "198.51.100.7:443": "documentation", "203.0.113.9:443": "documentation",
		"[2001:db8::1]:443": "documentation", "[3fff::1]:443": "documentation",
		"198.18.0.1:443": "benchmarking", "198.19.255.255:443": "benchmarking",
		"192.88.99.1:443": "6to4", "224.0.0.1:443": "multicast", "239.255.255.250:443": "multicast", "[ff02::1]:443": "multicast",
		"240.0.0.1:443": "reserved", "255.255.255.255:443": "reserved",
		"[::ffff:127.0.0.1]:443": "loopback", "[::ffff:10.0.0.1]:443": "private", "[::127.0.0.1]:443": "IPv4-compatible",
		"[64:ff9b::7f00:1]:443": "NAT64", "[64:ff9b::808:808]:443": "NAT64", "[64:ff9b:1::a00:1]:443": "NAT64",
		"[2002:7f00:1::1]:443": "6to4", "[2001:0:7f00:1::]:443": "Teredo", "[2001:10::1]:443": "protocols",
		"[100::1]:443": "public IPv6 range", "[4000::1]:443": "public IPv6 range", "[5f00::1]:443": "public IPv6 range",

		runtimeAddr: "runtime API", "[::ffff:127.0.0.1]:9001": "runtime API", "[::1]:9001": "runtime API", "127.0.0.2:9001": "runtime API",
		"0.0.0.0:9001": "runtime API", "169.254.100.1:9001": "runtime API",
		"/var/run/docker.sock": "not an address", "localhost:443": "not an address",
	} {
		err := d.check(addr, anyAllowed)
		blocked, ok := errors.AsType[*BlockedError](err)
		if reason == open && err != nil || reason != open && (!ok || !strings.Contains(blocked.Reason, reason)) {
			t.Errorf("%s: %v, want %q", addr, err, reason)
		}
	}
}

func TestMappedAddressesAreReservedByThemselves(t *testing.T) {
	t.Parallel()
	d, err := NewDialer(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	if got := d.reserved(netip.MustParseAddr("::ffff:8.8.8.8")); !strings.Contains(got, "IPv4-mapped") {
		t.Errorf("reserved: %q", got)
	}
}

func TestPlainHTTPNeedsAListedAddress(t *testing.T) {
	t.Parallel()
	d, err := NewDialer([]string{"127.0.0.1:4580"}, "")
	if err != nil {
		t.Fatal(err)
	}
	if d.check("127.0.0.1:4580", listedOnly) != nil || d.check("8.8.8.8:443", listedOnly) == nil {
		t.Error("plain HTTP must reach listed addresses and no others")
	}
	got := over(t, d, nil).Deliver(t.Context(), effect("http://8.8.8.8:443/hook-token"))
	want(t, got, act.Refused, "plain HTTP is only for addresses in egress_allow")
}

func TestTheRuntimeAPIStaysClosedByNameToo(t *testing.T) {
	t.Parallel()
	d, err := NewDialer([]string{"10.1.2.3:9001", "127.0.0.1:9001"}, "runtime.internal:9001")
	if err != nil {
		t.Fatal(err)
	}
	for _, addr := range []string{"10.1.2.3:9001", "127.0.0.1:9001"} {
		if d.check(addr, anyAllowed) == nil {
			t.Errorf("%s is open", addr)
		}
	}
}

func TestWrongConfigurationIsSaidAtTheStart(t *testing.T) {
	t.Parallel()
	for _, allow := range []string{"", "localhost:80", "10.0.0.1", "10.0.0.0/8", "10.0.0.1:0", "0.0.0.0:80", "[::]:80", "[fe80::1%eth0]:80", "example.com:443", "010.0.0.1:80"} {
		if _, err := NewDialer([]string{allow}, ""); err == nil || !strings.Contains(err.Error(), "egress_allow") {
			t.Errorf("%q: %v", allow, err)
		}
	}
	for _, runtime := range []string{"127.0.0.1:x", "127.0.0.1:0", ":99999"} {
		if _, err := NewDialer(nil, runtime); err == nil {
			t.Errorf("%q is taken for a runtime API", runtime)
		}
	}
}

// trap counts connections to a loopback port that nobody may open.
func trap(t *testing.T) (port string, connections *atomic.Int64) {
	t.Helper()
	connections = &atomic.Int64{}
	l := raw(t, func(c net.Conn) {
		connections.Add(1)
		_ = c.Close()
	})
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port, connections
}

func TestNoNotationOfAnAddressGetsThrough(t *testing.T) {
	t.Parallel()
	port, connections := trap(t)
	d, err := NewDialer(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	// The worst resolver there is: like some C libraries it reads every notation, and as loopback.
	d.Resolver = resolver(func(string) string { return "127.0.0.1" })
	tg := over(t, d, nil)
	for _, host := range []string{
		"127.0.0.1", "2130706433", "0177.0.0.1", "017700000001", "0x7f000001", "0x7f.0.0.1", "127.1", "127.0.1", "0",
		"[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:0001]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]",
		"127.0.0.1.nip.io", "localhost", "LOCALHOST", "localhost.", "①②⑦.⓪.⓪.①", "127。0。0。1", "%31%32%37.0.0.1",
	} {
		for _, scheme := range []string{"https", "http"} {
			got := tg.Deliver(t.Context(), effect(scheme+"://"+host+":"+port+"/"))
			if got.Verdict == act.Delivered || connections.Load() != 0 {
				t.Errorf("%s://%s: %v %q, %d connections", scheme, host, got.Verdict, got.Evidence, connections.Load())
			}
		}
	}
}

func TestANameThatChangesItsMeaningIsCheckedAgain(t *testing.T) {
	t.Parallel()
	srv, got := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") })
	_, port, _ := net.SplitHostPort(address(srv))
	d, err := NewDialer([]string{address(srv)}, "")
	if err != nil {
		t.Fatal(err)
	}
	var lookups atomic.Int64
	d.Resolver = resolver(func(name string) string {
		if name != "hook.example." {
			return ""
		}
		if lookups.Add(1) == 1 {
			return "127.0.0.1" // listed
		}
		return "169.254.169.254"
	})
	tg := over(t, d, nil)
	e := effect("http://hook.example:" + port)
	want(t, tg.Deliver(t.Context(), e), act.Delivered, "200 OK")
	want(t, tg.Deliver(t.Context(), e), act.Refused, "169.254.169.254")
	e.Request.URL = "https://hook.example/"
	want(t, tg.Deliver(t.Context(), e), act.Refused, "the metadata service")
	if got.count() != 1 || lookups.Load() != 3 {
		t.Errorf("%d requests, %d lookups", got.count(), lookups.Load())
	}
}

func TestANameWithoutAnAddressIsRetried(t *testing.T) {
	t.Parallel()
	d, err := NewDialer(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	d.Resolver = resolver(func(string) string { return "" })
	want(t, over(t, d, nil).Deliver(t.Context(), effect("https://hook.example/")), act.Unsent, "name")
}

func TestAProxyInTheEnvironmentIsNoWayAround(t *testing.T) {
	proxy, proxied := serve(t, func(http.ResponseWriter, *http.Request) {})
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	srv, got := serve(t, func(http.ResponseWriter, *http.Request) {})
	_, port, _ := net.SplitHostPort(address(srv))
	d, err := NewDialer([]string{address(srv), address(proxy)}, "")
	if err != nil {
		t.Fatal(err)
	}
	// net/http exempts loopback from proxies, so the target goes by a name.
	d.Resolver = resolver(func(string) string { return "127.0.0.1" })
	want(t, over(t, d, nil).Deliver(t.Context(), effect("http://hook.example:"+port)), act.Delivered, "200 OK")
	if got.count() != 1 || proxied.count() != 0 {
		t.Errorf("%d requests at the target, %d at the proxy", got.count(), proxied.count())
	}
}
