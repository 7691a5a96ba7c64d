package contract

import (
	"bytes"
	"maps"
	"net/netip"
	"strings"
	"testing"
)

func TestAddressesAreInTheSubnetAndDifferByOneDigit(t *testing.T) {
	t.Parallel()
	e := edge(t, EdgeSubnet)
	subnet, dynamic := netip.MustParsePrefix(EdgeSubnet), netip.MustParsePrefix(e.Dynamic())
	if !subnet.Overlaps(dynamic) || dynamic.String() != "192.168.248.0/21" {
		t.Errorf("the dynamic part is %s", dynamic)
	}
	seen := map[string]bool{}
	for block := range MaxAddressBlocks {
		first := e.IP(Address{Block: block})
		for slot := range AddressesPerApp {
			a := Address{block, slot}
			text := e.IP(a)
			ip := netip.MustParseAddr(text)
			if !subnet.Contains(ip) || dynamic.Contains(ip) || seen[text] {
				t.Fatalf("%v: the address %s is outside %s, in %s or taken", a, text, EdgeSubnet, dynamic)
			}
			seen[text] = true
			if back, ok := e.Address(text); !ok || back != a {
				t.Fatalf("%s is read as %v, %v, want %v", text, back, ok, a)
			}
			if n := len(text); n != len(first) || text[:n-1] != first[:n-1] {
				t.Fatalf("%s and %s differ in more than one digit", first, text)
			}
		}
	}
	if seen["192.168.224.1"] {
		t.Error("the address of the gateway is an app's")
	}
	for _, other := range []string{"", "192.168.224.1", "192.168.224.18", "192.168.248.10", "10.0.0.10", "::1", "192.168.223.10"} {
		if a, ok := e.Address(other); ok {
			t.Errorf("%q is read as %v", other, a)
		}
	}
}

func edge(t *testing.T, text string) Edge {
	t.Helper()
	e, err := ParseEdge(text)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestParseEdgeRefuses(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "192.168.224.0", "192.168.224.0/20", "192.168.225.0/19", "8.8.0.0/19", "fd00::/19"} {
		if _, err := ParseEdge(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestHosts(t *testing.T) {
	t.Parallel()
	e := edge(t, EdgeSubnet)
	h := Hosts{"shop": {Block: 2, Slot: 1}, "blog": {Block: 0}}
	text := h.Text(e)
	if !maps.Equal(ParseHosts(text, e), h) {
		t.Errorf("read %v from\n%s", ParseHosts(text, e), text)
	}
	for _, want := range []string{"127.0.0.1 localhost\n", "192.168.224.10  blog.internal ", "192.168.224.31  shop.internal "} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	other := "1.2.3.4 shop.internal\n192.168.224.10 Shop.internal\n192.168.224.10 shop.internal shop\nx"
	if got := ParseHosts([]byte(other), e); len(got) != 0 {
		t.Errorf("read %v from other text", got)
	}
}

// Whatever changes, no byte of another app's line does: so a reader that sees half of a change never sends an app's
// requests to another.
func TestHostsChangeInPlace(t *testing.T) {
	t.Parallel()
	e := edge(t, "10.1.32.0/19")
	before := Hosts{"shop": {Block: 2, Slot: 1}, "blog": {Block: 0}}
	deployed := maps.Clone(before)
	deployed["blog"] = Address{Block: 0, Slot: 3}
	if n := differences(before.Text(e), deployed.Text(e)); n != 1 {
		t.Errorf("a deploy changes %d bytes", n)
	}
	added := maps.Clone(before)
	added["a"] = Address{Block: 5}
	if !bytes.HasPrefix(added.Text(e), before.Text(e)) {
		t.Error("a new app moves the others")
	}
	removed := maps.Clone(before)
	delete(removed, "blog")
	if !bytes.HasSuffix(removed.Text(e), before.Text(e)[len(hostsHeader)+15+1+longestHost+1:]) {
		t.Error("an app that is gone moves the others")
	}
}

func differences(a, b []byte) int {
	if len(a) != len(b) {
		return -1
	}
	n := 0
	for i := range a {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}
