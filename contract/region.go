package contract

import (
	"fmt"
	"regexp"
	"strings"
)

// regionRE is the form of the regions of AWS's commercial partition, such as us-east-1 and ap-southeast-2. Regions of
// GovCloud (us-gov-west-1), of the European sovereign cloud (eusc-de-east-1) and of the isolated partitions
// (us-iso-east-1) have another form; those of China begin with cn-.
var regionRE = regexp.MustCompile(`^[a-z]{2}-[a-z]+-[1-9]$`)

// otherPartitions are how the regions begin that have other ARNs and host names than Webstack writes.
var otherPartitions = []string{"cn-", "us-gov-", "us-iso", "eu-iso", "eusc-"}

// CheckRegion refuses what is not a region of AWS's commercial partition, the only one whose ARNs begin with "arn:aws:"
// and whose hosts end with "amazonaws.com".
func CheckRegion(region string) error {
	for _, prefix := range otherPartitions {
		if strings.HasPrefix(region, prefix) {
			return fmt.Errorf("%q is in another AWS partition, such as China's or GovCloud's; use a region such as us-east-1",
				region)
		}
	}
	if !regionRE.MatchString(region) {
		return fmt.Errorf("%q is not an AWS region; use one such as us-east-1", region)
	}
	return nil
}
