package awsprovider

import (
	"fmt"
	"net/netip"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// checkCIDR4 finds fault with a value that is no IPv4 network address with its mask.
func checkCIDR4(value any) string {
	text, _ := value.(string)
	prefix, err := netip.ParsePrefix(text)
	if err != nil || !prefix.Addr().Is4() || prefix != prefix.Masked() {
		return fmt.Sprintf("%q is no IPv4 CIDR block; give the network's own address, such as 10.0.0.0/16", text)
	}
	return ""
}

// ec2Filters makes filters of name, value pairs.
func ec2Filters(pairs ...string) []types.Filter {
	var out []types.Filter
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, types.Filter{Name: aws.String(pairs[i]), Values: []string{pairs[i+1]}})
	}
	return out
}
