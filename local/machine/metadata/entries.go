package metadata

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// Paths below /latest/.
const (
	userDataPath    = "user-data"
	credentialsPath = "meta-data/iam/security-credentials/"
)

// entriesOf returns the contents by path, without those that have to be fetched.
func entriesOf(instance Instance) map[string][]byte {
	entries := map[string][]byte{
		"dynamic/instance-identity/document": identity(instance),
	}
	if instance.UserData != nil {
		entries[userDataPath] = instance.UserData
	}
	for path, value := range map[string]string{
		"ami-id":                      instance.ImageID,
		"hostname":                    hostname(instance),
		"instance-id":                 instance.InstanceID,
		"instance-type":               instance.InstanceType,
		"local-hostname":              hostname(instance),
		"local-ipv4":                  instance.PrivateIP,
		"placement/availability-zone": instance.AvailabilityZone,
		"placement/region":            instance.Region,
		"public-ipv4":                 instance.PublicIP,
		"services/domain":             "amazonaws.com",
		"services/partition":          "aws",
	} {
		if value != "" {
			entries["meta-data/"+path] = []byte(value)
		}
	}
	if instance.RoleName != "" {
		entries["meta-data/iam/info"] = toJSON(map[string]string{
			"Code": "Success", "LastUpdated": stamp(instance.Launched),
			"InstanceProfileArn": "arn:aws:iam::" + instance.AccountID + ":instance-profile/" + instance.RoleName,
		})
		entries[strings.TrimSuffix(credentialsPath, "/")] = []byte(instance.RoleName)
	}
	return entries
}

func hostname(instance Instance) string {
	return "ip-" + strings.ReplaceAll(instance.PrivateIP, ".", "-") + "." + instance.Region + ".compute.internal"
}

func identity(instance Instance) []byte {
	return toJSON(map[string]any{
		"accountId": instance.AccountID, "architecture": instance.Architecture, "availabilityZone": instance.AvailabilityZone,
		"imageId": instance.ImageID, "instanceId": instance.InstanceID, "instanceType": instance.InstanceType,
		"pendingTime": stamp(instance.Launched), "privateIp": instance.PrivateIP, "region": instance.Region,
		"version":         "2017-09-30",
		"billingProducts": nil, "devpayProductCodes": nil, "kernelId": nil, "marketplaceProductCodes": nil, "ramdiskId": nil,
	})
}

func credentialsJSON(c Credentials) []byte {
	return toJSON(map[string]string{
		"Code": "Success", "Type": "AWS-HMAC", "LastUpdated": stamp(c.Updated), "Expiration": stamp(c.Expiration),
		"AccessKeyId": c.AccessKeyID, "SecretAccessKey": c.SecretAccessKey, "Token": c.Token,
	})
}

// list returns the listing of a folder: a line for each name in it, folders with a slash at the end; "" when there is
// none.
func list(entries map[string][]byte, path string) string {
	folder := strings.TrimSuffix(path, "/") + "/"
	if path == "" {
		folder = ""
	}
	names := map[string]bool{}
	for entry := range entries {
		if rest, ok := strings.CutPrefix(entry, folder); ok {
			name, _, isFolder := strings.Cut(rest, "/")
			if isFolder || entry == strings.TrimSuffix(credentialsPath, "/") {
				name += "/"
			}
			names[name] = true
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(names)), "\n")
}

// toJSON writes JSON as the service does, over several lines.
func toJSON(value any) []byte {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		panic(err) // maps of strings
	}
	return text
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
