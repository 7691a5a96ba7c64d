package contract

import (
	"strings"
	"testing"
)

func TestCheckRegion(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"us-east-1", "us-west-2", "eu-central-1", "ap-southeast-7", "ap-northeast-3", "il-central-1", "me-south-1",
		"mx-central-1", "sa-east-1", "af-south-1", "ca-west-1",
	} {
		if err := CheckRegion(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, other := range []string{
		"cn-north-1", "cn-northwest-1", "us-gov-west-1", "us-gov-east-1", "us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1",
		"eusc-de-east-1",
	} {
		if err := CheckRegion(other); err == nil || !strings.Contains(err.Error(), "another AWS partition") {
			t.Errorf("%s: %v", other, err)
		}
	}
	for _, bad := range []string{"", "east", "us-east-1a", "US-EAST-1", "us-east-1\n", "us-east-0", "us--1", "x'"} {
		if err := CheckRegion(bad); err == nil || !strings.Contains(err.Error(), "not an AWS region") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
