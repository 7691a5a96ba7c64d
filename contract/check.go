package contract

import (
	"fmt"
	"strings"

	"webstack/internal/lazyregexp"
)

// Patterns of values that both sides check, and Systems Manager when a document runs. They mean the same to Go and to Java,
// which Systems Manager uses, and nothing that matches one needs quoting in a shell.
const (
	// RegionPattern is the form of a region of AWS's commercial partition, such as us-east-1. It does not list the regions,
	// so a new one needs no change here.
	RegionPattern = `^(?:af|ap|ca|eu|il|me|mx|sa|us)-` +
		`(?:north|south|east|west|central|northeast|northwest|southeast|southwest)-[1-9]$`
	// BucketPattern is the form of an S3 bucket's name. AWS permits dots too, but they break TLS host names.
	BucketPattern = `^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`
	// SHA256Pattern is a SHA-256 in lower-case hexadecimal.
	SHA256Pattern = `^[0-9a-f]{64}$`
	// AppNamePattern is the form of an app's name: a DNS label.
	AppNamePattern = `^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$`
	// StackDirPattern is the form of a stack directory: absolute, and at least two levels below the root.
	StackDirPattern = `^(?:/[A-Za-z0-9][A-Za-z0-9._-]*){2,}$`
	// VolumeIDPattern is the form of an EBS volume's id.
	VolumeIDPattern = `^vol-[0-9a-f]{8,17}$`
	// EnvNamePattern is the form of an environment variable's name.
	EnvNamePattern = `^[A-Za-z_][A-Za-z0-9_]*$`
)

var (
	regionRE   = lazyregexp.New(RegionPattern)
	bucketRE   = lazyregexp.New(BucketPattern)
	sumRE      = lazyregexp.New(SHA256Pattern)
	appRE      = lazyregexp.New(AppNamePattern)
	stackDirRE = lazyregexp.New(StackDirPattern)
	volumeRE   = lazyregexp.New(VolumeIDPattern)
	envRE      = lazyregexp.New(EnvNamePattern)
)

// otherPartitions are the beginnings of regions whose ARNs and host names differ from those that Webstack writes.
var otherPartitions = []string{"cn-", "us-gov-", "us-iso", "eu-iso", "eusc-"}

// InOtherPartition tells whether a region is in a partition other than AWS's commercial one.
func InOtherPartition(region string) bool {
	for _, prefix := range otherPartitions {
		if strings.HasPrefix(region, prefix) {
			return true
		}
	}
	return false
}

// CheckRegion refuses what is not a region of AWS's commercial partition, the only one whose ARNs begin with "arn:aws:"
// and whose hosts end with "amazonaws.com".
func CheckRegion(region string) error {
	if InOtherPartition(region) {
		return fmt.Errorf("%q is in another AWS partition, such as China's or GovCloud's; use a region such as us-east-1",
			region)
	}
	return match(regionRE, region, "an AWS region; use one such as us-east-1")
}

// CheckBucket refuses what is not the name of a bucket.
func CheckBucket(name string) error { return match(bucketRE, name, "the name of a bucket") }

// CheckSHA256 refuses what is not a SHA-256 in hexadecimal.
func CheckSHA256(sum string) error { return match(sumRE, sum, "64 lower-case hexadecimal digits") }

// CheckAppName refuses what is not the name of an app, or of another service such as caddy.
func CheckAppName(name string) error {
	return match(appRE, name, "1 to 63 lower-case letters, digits and inner dashes")
}

// CheckStackDir refuses what is not a stack directory.
func CheckStackDir(dir string) error {
	return match(stackDirRE, dir, "an absolute path of two or more names of letters, digits and ._-")
}

// CheckVolumeID refuses what is not the id of an EBS volume.
func CheckVolumeID(id string) error { return match(volumeRE, id, "the id of an EBS volume") }

// CheckEnvName refuses what is not the name of an environment variable.
func CheckEnvName(name string) error {
	return match(envRE, name, "the name of an environment variable")
}

func match(form *lazyregexp.Regexp, value, what string) error {
	if !form.MatchString(value) {
		return fmt.Errorf("%q is not %s", value, what)
	}
	return nil
}
