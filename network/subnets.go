package network

import (
	"fmt"
	"net/netip"
)

// tiers are the three tiers of subnets, from the outside in.
var tiers = []string{TierPublic, TierPrivateApp, TierPrivateDb}

// The values of the tag Tier.
const (
	TierPublic     = "public"
	TierPrivateApp = "private-app"
	TierPrivateDb  = "private-db"
)

// zones is the number of availability zones that a network spans.
const zones = 2

// smallestSubnet is the longest prefix length that AWS accepts for a subnet.
const smallestSubnet = 28

// carve divides a VPC's network into eight equal parts and gives the first six to the tiers, two each, in the order of
// tiers. The result depends only on the VPC's network, so the subnets never move.
func carve(vpc netip.Prefix) (map[string][]netip.Prefix, error) {
	bits := vpc.Bits() + 3
	if !vpc.Addr().Is4() || vpc != vpc.Masked() || vpc.Bits() < 16 || bits > smallestSubnet {
		return nil, fmt.Errorf("divide %s into subnets: use the network address of an IPv4 network from /16 to /25", vpc)
	}
	out := map[string][]netip.Prefix{}
	base := toUint32(vpc.Addr())
	size := uint32(1) << (32 - bits)
	for i := range uint32(len(tiers) * zones) {
		tier := tiers[i/zones]
		out[tier] = append(out[tier], netip.PrefixFrom(fromUint32(base+i*size), bits))
	}
	return out, nil
}

func toUint32(a netip.Addr) uint32 {
	b := a.As4()
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

func fromUint32(n uint32) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}
