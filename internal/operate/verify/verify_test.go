package verify

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"webstack/config"
	"webstack/contract"
	"webstack/internal/operate"
)

// broken is a way to break the stack, and what the check must then say.
type broken struct {
	check string
	spoil func(t *testing.T, s *stand)
	// found is a part of the row that must fail or warn, of this subject.
	subject, found string
}

func external5432(_ *testing.T, s *stand) { s.config.EnableExternalPostgres = true }

// breakages has each check's ways to fail, except those of deployBreakages.
var breakages = []broken{
	{"network.vpc", func(_ *testing.T, s *stand) { s.vpcs = nil }, "", "there are 0 VPCs with the tags Project=webstack"},
	{"network.vpc", func(_ *testing.T, s *stand) { s.vpcs[0].CidrBlock = ptr("10.9.0.0/16") }, "",
		"vpc-1 has 10.9.0.0/16, but the config says 10.20.0.0/16"},
	{"network.vpc", denied("DescribeVpcs"), "", "look for the VPC: AccessDenied: no; ask for that permission"},
	{"network.subnets", func(_ *testing.T, s *stand) { s.subnets = s.subnets[:5] }, "private-db", "1 subnets in 1 zones"},
	{"network.subnets", func(_ *testing.T, s *stand) { s.subnets[2].Tags = nil }, "private-app", "1 subnets in 1 zones"},
	{"network.subnets", func(_ *testing.T, s *stand) { s.subnets[1].AvailabilityZone = ptr("eu-central-1a") }, "public",
		"2 subnets in 1 zones"},
	{"network.subnets", denied("DescribeSubnets"), "", "AccessDenied"},
	{"network.routes", func(_ *testing.T, s *stand) { s.tables[1].Routes = nil }, "public",
		"has the way out: none, not: internet gateway"},
	{"network.routes", func(_ *testing.T, s *stand) { s.tables[1].Routes[0].State = ec2types.RouteStateBlackhole }, "public",
		"way out: none"},
	{"network.routes", func(_ *testing.T, s *stand) { s.tables[3].Routes = s.tables[1].Routes }, "private-db",
		"subnet-6 has the way out: internet gateway, not: none"},
	{"network.routes", func(_ *testing.T, s *stand) { s.config.NatMode = config.NatGateway }, "private-app",
		"way out: none, not: NAT gateway"},
	{"network.routes", denied("DescribeRouteTables"), "", "AccessDenied"},
	{"network.endpoints", func(_ *testing.T, s *stand) { s.endpoints = s.endpoints[:1] },
		"com.amazonaws.eu-central-1.dynamodb", "there is no gateway endpoint"},
	{"network.endpoints", func(_ *testing.T, s *stand) { s.endpoints[0].VpcEndpointType = "Interface" },
		"com.amazonaws.eu-central-1.s3", "there is no gateway endpoint"},
	{"network.endpoints", func(_ *testing.T, s *stand) { s.endpoints[0].State = "failed" },
		"com.amazonaws.eu-central-1.s3", "vpce-s3 is failed"},
	{"network.endpoints", func(_ *testing.T, s *stand) { s.endpoints[0].RouteTableIds = []string{"rtb-public", "rtb-app"} },
		"com.amazonaws.eu-central-1.s3", "is not in route table rtb-db of the private-db subnets"},
	{"network.endpoints", denied("DescribeVpcEndpoints"), "", "AccessDenied"},

	{"host.running", noHost, "", "there is no instance"},
	{"host.running", func(_ *testing.T, s *stand) { s.host.State = "stopped" }, "", "i-1 is stopped"},
	{"host.running", func(_ *testing.T, s *stand) { s.host.Instance.InstanceType = "t4g.nano" }, "",
		"i-1 is a t4g.nano, but the config says t4g.small"},
	{"host.subnet", func(_ *testing.T, s *stand) { s.host.Instance.SubnetId = ptr("subnet-3") }, "",
		"subnet-3 is not a public subnet"},
	{"host.subnet", noHost, "", "because of: the instance with the stack's tag"},
	{"host.ports", func(_ *testing.T, s *stand) { s.rules = s.rules[1:] }, "", "closed: tcp 80 from 0.0.0.0/0"},
	{"host.ports", func(_ *testing.T, s *stand) { s.rules = append(s.rules, ingress("tcp", 22, "0.0.0.0/0")) }, "",
		"open, but not in the config: tcp 22 from 0.0.0.0/0"},
	{"host.ports", func(_ *testing.T, s *stand) { s.config.SSHAllowedCidr = "198.51.100.7/32" }, "",
		"closed: tcp 22 from 198.51.100.7/32"},
	{"host.ports", func(_ *testing.T, s *stand) { s.config.EnableIpv6 = true }, "", "closed: tcp 443 from ::/0"},
	{"host.ports", func(_ *testing.T, s *stand) {
		s.rules = append(s.rules, ec2types.SecurityGroupRule{
			IpProtocol: ptr("tcp"), FromPort: ptr(int32(5000)), ToPort: ptr(int32(6000)),
			ReferencedGroupInfo: &ec2types.ReferencedSecurityGroup{GroupId: ptr("sg-9")},
		})
	}, "", "not in the config: tcp 5000-6000 from sg-9"},
	{"host.ports", func(_ *testing.T, s *stand) { s.host.Instance.SecurityGroups = nil }, "", "is in no security group"},
	{"host.ports", denied("DescribeSecurityGroupRules"), "", "AccessDenied"},
	{"host.address", func(_ *testing.T, s *stand) { s.addresses = nil }, "", "203.0.113.10 is not an Elastic IP"},
	{"host.address", func(_ *testing.T, s *stand) { s.host.PublicIP = "" }, "", "i-1 has no public address"},
	{"host.address", denied("DescribeAddresses"), "", "AccessDenied"},
	{"host.metadata", func(_ *testing.T, s *stand) { s.host.Instance.MetadataOptions.HttpTokens = "optional" }, "",
		`tokens are "optional": IMDSv1 is enabled`},
	{"host.metadata", func(_ *testing.T, s *stand) {
		s.host.Instance.MetadataOptions.HttpPutResponseHopLimit = ptr(int32(2))
	}, "", "the hop limit is 2"},
	{"host.metadata", func(_ *testing.T, s *stand) { s.host.Instance.MetadataOptions = nil }, "", "IMDSv1 is enabled"},

	{"system.agent", unreachable, "", "its agent has not come forward"},
	{"system.session", func(_ *testing.T, s *stand) { s.connection = ssmtypes.ConnectionStatusNotConnected }, "",
		"i-1 is notconnected"},
	{"system.session", denied("GetConnectionStatus"), "", "AccessDenied"},
	{"system.documents", func(_ *testing.T, s *stand) { delete(s.documents, "webstack-dev-logs") }, "logs",
		"there is no document webstack-dev-logs"},
	{"system.documents", func(_ *testing.T, s *stand) { s.documents["webstack-dev-status"] = "Failed" }, "status",
		"webstack-dev-status is Failed"},
	{"system.documents", func(_ *testing.T, s *stand) { s.latest = map[string]string{"webstack-dev-converge": "2"} },
		"converge", "the default version of webstack-dev-converge is 1, the latest is 2"},
	{"system.documents", denied("DescribeDocument"), "converge", "AccessDenied"},
	{"system.converge", func(_ *testing.T, s *stand) { delete(s.associations, "webstack-dev-converge") }, "",
		"there is no association webstack-dev-converge"},
	{"system.converge", func(_ *testing.T, s *stand) {
		s.associations["webstack-dev-converge"].Overview.Status = ptr("Failed")
		s.status.Problems = []contract.Problem{{App: "shop", Error: "it ended"}, {Error: "no space"}}
	}, "", "webstack-dev-converge: Failed: app shop: it ended; no space"},
	{"system.converge", func(_ *testing.T, s *stand) {
		s.associations["webstack-dev-converge"].Overview.Status = ptr("Failed")
		s.statusErr = errors.New("unreachable")
		s.steps = map[string][]ssmtypes.CommandPlugin{
			"older": {{Name: ptr("volume"), Status: ssmtypes.CommandPluginStatusFailed, Output: ptr("old news")}},
			"newest": {{Name: ptr("volume"), Status: ssmtypes.CommandPluginStatusSuccess, Output: ptr("mounted")},
				{Name: ptr("docker"), Status: ssmtypes.CommandPluginStatusFailed, Output: ptr("E: no\nroom\n")}},
		}
	}, "", "webstack-dev-converge: Failed: step docker ended as Failed and printed: E: no room"},
	{"system.converge", both(denied("DescribeAssociationExecutions"), func(_ *testing.T, s *stand) {
		s.associations["webstack-dev-converge"].Overview.Status = ptr("Failed")
	}), "", "Failed: read the output of the host"},
	{"system.converge", func(_ *testing.T, s *stand) { s.associations["webstack-dev-converge"].Overview = nil }, "",
		"not run yet"},
	{"system.converge", func(_ *testing.T, s *stand) { s.status.Manifest = "" }, "",
		"the host has bundle none, not 8c6be73703d8"},
	{"system.converge", denied("ListAssociations"), "", "AccessDenied"},
	{"system.converge", denied("DescribeAssociation"), "", "AccessDenied"},
	{"system.status", func(_ *testing.T, s *stand) { s.statusErr = errors.New("step status failed:\n  why") }, "",
		"step status failed: why"},
	{"system.status", unreachable, "", "because of: the host's Systems Manager agent"},
	{"system.docker", func(_ *testing.T, s *stand) { s.status.Docker = "" }, "", "the engine does not answer"},
	{"system.disks", func(_ *testing.T, s *stand) { s.status.Disks[0].Free, s.status.Apps[1].Written = 199, 5<<20 }, "/",
		"81 % of its space and 50 % of its inodes are in use; the app shop uses most: its containers have written 5 MiB"},
	{"system.disks", func(_ *testing.T, s *stand) { s.status.Disks[1].InodesFree = 4 }, contract.DataDir,
		"50 % of its space and 96 % of its inodes are in use; the app shop uses most: its database has 7 MiB"},
	{"system.disks", unreachable, "", "because of: the host's Systems Manager agent"},

	{"postgres.ready", func(_ *testing.T, s *stand) { s.status.PostgresReady = false }, "",
		"it does not accept connections in its container"},
	{"postgres.ready", func(_ *testing.T, s *stand) {
		s.config.EnableExternalPostgres, s.status.PostgresReady = true, false
	}, "", "it does not accept connections on RDS"},
	{"postgres.private", func(_ *testing.T, s *stand) { s.status.Services[1].Ports = []string{"0.0.0.0:5432/tcp"} }, "",
		"its container publishes 0.0.0.0:5432/tcp"},
	{"postgres.private", func(_ *testing.T, s *stand) { s.status.Services = s.status.Services[:1] }, "",
		"there is no container postgres"},
	{"postgres.private", both(external5432, func(_ *testing.T, s *stand) {
		s.databases[0].PubliclyAccessible = ptr(true)
	}), "", "webstack-dev-postgres is publicly accessible"},
	{"postgres.private", both(external5432, denied("DescribeDBInstances")), "", "AccessDenied"},
	{"postgres.connections", func(_ *testing.T, s *stand) { s.status.Apps[1].Database.Sockets = 74 }, "",
		"the apps hold 74 of 92"},
	{"postgres.connections", func(_ *testing.T, s *stand) { s.status.Connections.Guarded = false }, "",
		"the kernel does not limit them"},
	{"web.connections", func(_ *testing.T, s *stand) { s.status.WebGuarded = false }, "",
		"one address can open as many connections as Caddy has memory for"},
	{"web.connections", unreachable, "", "because of: the host's Systems Manager agent"},
	{"postgres.connections", func(_ *testing.T, s *stand) { s.status.Connections = nil }, "",
		"because of: pg_isready on the host"},
	{"postgres.apps", func(_ *testing.T, s *stand) { s.status.Apps[1].Database.Error = "Postgres refuses the connection: no" }, "shop",
		"Postgres refuses the connection: no; connections in use: 3 of 46"},
	{"postgres.apps", func(_ *testing.T, s *stand) {
		s.status.Apps[1].Database.Error, s.status.Apps[1].Database.Sockets = "timeout", 48
	}, "shop", "timeout; connections in use: 3 of 46 (+ 45 silent)"},
	{"postgres.apps", func(_ *testing.T, s *stand) { s.status.Apps[1].Database.Used = 40 }, "shop", "40 of 46"},
	{"postgres.apps", func(_ *testing.T, s *stand) { s.status.Apps[1].Database = nil }, "shop", "it has no database"},
	{"postgres.apps", func(_ *testing.T, s *stand) { s.status.Connections = nil }, "", "because of: pg_isready on the host"},

	{"apps.services", func(_ *testing.T, s *stand) { s.status.Services[0].State = "restarting" }, "caddy",
		"its container is restarting"},
	{"apps.services", func(_ *testing.T, s *stand) { s.status.Services[1].Health = contract.HealthUnhealthy }, "postgres",
		"its container is unhealthy"},
	{"apps.services", func(_ *testing.T, s *stand) { s.status.Services = nil }, "caddy", "there is no container"},
	{"apps.containers", func(_ *testing.T, s *stand) { s.status.Apps[1].State = "" }, "shop", "its container is missing"},
	{"apps.containers", func(_ *testing.T, s *stand) { s.status.Apps[1].Health = contract.HealthUnhealthy }, "shop",
		"release v7, its container is unhealthy"},
	{"apps.containers", func(_ *testing.T, s *stand) {
		s.status.Apps[1].MemoryKills, s.status.Apps[1].MemoryLimit = 2, 256<<20
	}, "shop", "and was killed at its memory limit of 256 MiB"},
	{"apps.containers", func(_ *testing.T, s *stand) {
		s.status.Apps[1].Wanted = "v8@sha256:00"
		s.status.Problems = []contract.Problem{
			{App: "blog", Error: "another"}, {App: "shop", Error: "it is not healthy after 1m30s", Lines: []string{"a", "no database"}},
		}
	}, "shop", "it runs v7 instead of v8: it is not healthy after 1m30s; its last line: no database"},
	{"apps.containers", func(_ *testing.T, s *stand) {
		s.status.Apps[1].ServiceStatus = contract.ServiceStatus{Name: "shop"}
		s.status.Apps[1].Release, s.status.Apps[1].Wanted = "", "v8"
		s.status.Problems = []contract.Problem{{Error: "Caddy is not running"}}
	}, "shop", "it runs nothing instead of v8: Caddy is not running"},
	{"apps.containers", func(_ *testing.T, s *stand) { s.status.Apps = s.status.Apps[:1] }, "shop",
		"the host does not know the app"},
	{"apps.ports", func(_ *testing.T, s *stand) { s.status.Apps[1].Ports = []string{"0.0.0.0:8080/tcp"} }, "",
		"shop publishes 0.0.0.0:8080/tcp"},
	{"apps.ports", func(_ *testing.T, s *stand) { s.status.Services[1].Ports = []string{"127.0.0.1:5432/tcp"} }, "",
		"postgres publishes 127.0.0.1:5432/tcp"},

	{"web.tls", down(":443"), "shop.example.com", "no TLS: dial tcp 203.0.113.10:443: connection refused"},
	{"web.tls", func(_ *testing.T, s *stand) { s.site.certs = nil }, "www.shop.example.com", "no TLS: remote error"},
	{"web.tls", func(_ *testing.T, s *stand) { delete(s.site.certs, "www.shop.example.com") }, "www.shop.example.com",
		"the certificate is for shop.example.com"},
	{"web.tls", func(_ *testing.T, s *stand) { s.site.certs["shop.example.com"] = s.site.certs["blog.example.com"] },
		"shop.example.com", "the certificate is for blog.example.com"},
	{"web.tls", shopUntil(-time.Hour), "shop.example.com", "the certificate is valid from"},
	{"web.tls", shopUntil(3 * 24 * time.Hour), "shop.example.com", "expires in 3 days and was not renewed"},
	{"web.tls", func(t *testing.T, s *stand) { s.status.Authority = newIssuer(t, "Another").pem }, "shop.example.com",
		"is not trusted by Caddy's own authority"},
	{"web.tls", func(_ *testing.T, s *stand) { s.status.Authority = "" }, "", "not have the certificate of Caddy's own authority"},
	{"web.tls", func(_ *testing.T, s *stand) { s.config.Acme = "letsencrypt" }, "shop.example.com",
		"is not trusted by the system's authorities"},
	{"web.tls", func(_ *testing.T, s *stand) { s.config.Acme = "https://acme.example.com/directory" }, "shop.example.com",
		"is not trusted by the system's authorities"},
	{"web.tls", both(shopUntil(-time.Hour), func(_ *testing.T, s *stand) { s.config.Acme = "staging" }),
		"shop.example.com", "the certificate is valid from"},
	{"web.tls", func(_ *testing.T, s *stand) { s.host.PublicIP = "" }, "", "because of: its public address"},
	{"web.tls", func(_ *testing.T, s *stand) {
		s.config.Acme = "letsencrypt"
		s.parameters["/shop/ssl/cert"] = pemOf(s.site.certs["shop.example.com"].Certificate[0])
	}, "shop.example.com", "is not trusted by the system's authorities"},
	{"web.certificate", func(t *testing.T, s *stand) {
		own := s.site.ca.issue(t, "shop.example.com", s.now, s.now.Add(time.Hour))
		s.parameters["/shop/ssl/cert"] = pemOf(own.Certificate[0])
	}, "shop", "does not serve the certificate in /shop/ssl/cert"},
	{"web.certificate", func(_ *testing.T, s *stand) { s.parameters["/shop/ssl/cert"] = "not PEM" }, "shop",
		"it is not a PEM certificate"},
	{"web.certificate", func(_ *testing.T, s *stand) { s.parameters["/shop/ssl/cert"] = pemOf([]byte("x")) }, "shop",
		"read /shop/ssl/cert: x509"},
	{"web.certificate", both(down(":443"), func(_ *testing.T, s *stand) {
		s.parameters["/shop/ssl/cert"] = pemOf(s.site.certs["shop.example.com"].Certificate[0])
	}), "shop", "connection refused"},
	{"web.certificate", denied("GetParameter"), "shop", "AccessDenied"},
	{"web.certificate", func(_ *testing.T, s *stand) {
		s.parameters["/shop/ssl/cert"] = pemOf(s.site.certs["shop.example.com"].Certificate[0])
		s.status.Problems = []contract.Problem{{App: "blog", Error: "another"}, {App: "shop",
			Error: "use the app's own certificate in /shop/ssl/cert and /shop/ssl/key: its key does not match it"}}
	}, "shop", "the host rejects it: use the app's own certificate in /shop/ssl/cert and /shop/ssl/key: its key does not"},
	{"web.certificate", func(_ *testing.T, s *stand) {
		s.status.Problems = []contract.Problem{{App: "shop",
			Error: "use the app's own certificate: there is /webstack/dev/shop/ssl/key, but no /webstack/dev/shop/ssl/cert"}}
	}, "shop", "but no /webstack/dev/shop/ssl/cert"},
	{"web.answer", showing("https://shop.example.com", page(http.StatusBadGateway)), "shop.example.com", "502"},
	{"web.answer", showing("https://shop.example.com", page(http.StatusServiceUnavailable)), "shop.example.com", "503"},
	{"web.answer", func(_ *testing.T, s *stand) { s.status.Apps[0].Release = "v1" }, "blog.example.com", "503"},
	{"web.answer", both(showing("https://shop.example.com", silent),
		func(_ *testing.T, s *stand) { s.limit = 300 * time.Millisecond }), "shop.example.com", "no answer within 300ms"},
	{"web.answer", down(":443"), "shop.example.com", "connection refused"},
	{"web.redirect", showing("http://shop.example.com", page(http.StatusOK)), "shop.example.com",
		"200 , not a redirect to https://shop.example.com"},
	{"web.redirect", showing("http://blog.example.com", redirectTo("http://blog.example.com/")), "blog.example.com",
		"not a redirect to https://blog.example.com"},
	{"web.redirect", down(":80"), "shop.example.com", "connection refused"},
	{"web.alias", showing("https://www.shop.example.com", redirectTo("https://blog.example.com/")), "www.shop.example.com",
		"308 https://blog.example.com/, not a redirect to https://shop.example.com"},
	{"web.unknown", func(_ *testing.T, s *stand) { s.site.active = "blog.example.com" }, "",
		"the certificate is for blog.example.com, not for the active app shop"},
	{"web.unknown", showing("http://*", page(http.StatusOK)), "", "200 for an unknown name, not 421"},
	{"web.unknown", showing("http://"+publicAddress, page(http.StatusServiceUnavailable)), "", "503 from the bare address"},
	{"web.unknown", down(":80"), "", "http://webstack-verify.invalid at the public address"},
	{"web.unknown", down(":443"), "", "https://webstack-verify.invalid at the public address"},

	{"backups.bucket", func(_ *testing.T, s *stand) { s.buckets = s.buckets[:1] }, "",
		"this stack has no bucket webstack-dev-backups-…"},
	{"backups.bucket", func(_ *testing.T, s *stand) { s.tags = nil }, "", "this stack has no bucket"},
	{"backups.bucket", func(_ *testing.T, s *stand) { s.config.DbBackupBucketName = "our-backups" }, "",
		"this stack has no bucket our-backups"},
	{"backups.bucket", denied("ListBuckets"), "", "list the buckets: AccessDenied"},
	{"backups.bucket", denied("GetBucketTagging"), "", "AccessDenied"},
	{"backups.versions", func(_ *testing.T, s *stand) { s.versioning = "Suspended" }, "", `versioning is not enabled ("Suspended")`},
	{"backups.versions", denied("GetBucketVersioning"), "", "AccessDenied"},
	{"backups.encryption", func(_ *testing.T, s *stand) { s.encryption = nil }, "", "default encryption is off"},
	{"backups.encryption", fails("GetBucketEncryption", "ServerSideEncryptionConfigurationNotFoundError"), "",
		"default encryption is off"},
	{"backups.encryption", denied("GetBucketEncryption"), "", "AccessDenied"},
	{"backups.private", func(_ *testing.T, s *stand) { s.block.IgnorePublicAcls = ptr(false) }, "",
		"public access is not fully blocked"},
	{"backups.private", fails("GetPublicAccessBlock", "NoSuchPublicAccessBlockConfiguration"), "",
		"public access is not fully blocked"},
	{"backups.private", func(_ *testing.T, s *stand) { s.policy = strings.ReplaceAll(s.policy, "Deny", "Allow") }, "",
		"its policy does not refuse requests without TLS"},
	{"backups.private", fails("GetBucketPolicy", "NoSuchBucketPolicy"), "", "does not refuse requests without TLS"},
	{"backups.private", denied("GetPublicAccessBlock"), "", "AccessDenied"},
	{"backups.lifecycle", func(_ *testing.T, s *stand) { s.lifecycle[0].Expiration.Days = ptr(int32(7)) }, "",
		"expire after 7 days, but the config says 30 days"},
	{"backups.lifecycle", func(_ *testing.T, s *stand) { s.lifecycle[0].Status = "Disabled" }, "", "backups never expire"},
	{"backups.lifecycle", func(_ *testing.T, s *stand) { s.lifecycle[0].Filter.Prefix = ptr("other/") }, "",
		"backups never expire"},
	{"backups.lifecycle", fails("GetBucketLifecycleConfiguration", "NoSuchLifecycleConfiguration"), "", "backups never expire"},
	{"backups.lifecycle", denied("GetBucketLifecycleConfiguration"), "", "AccessDenied"},
	{"backups.documents", func(_ *testing.T, s *stand) { delete(s.documents, "webstack-dev-restore") }, "restore",
		"there is no document webstack-dev-restore"},
	{"backups.dumps", func(_ *testing.T, s *stand) { s.objects = s.objects[:6] }, "shop", "the newest verified backup is 34h old"},
	{"backups.dumps", func(_ *testing.T, s *stand) { s.objects = nil }, "blog", "there is no verified backup"},
	{"backups.dumps", denied("ListObjectsV2"), "", "AccessDenied"},

	{"dns.names", func(_ *testing.T, s *stand) { delete(s.names, "blog.example.com") }, "blog.example.com",
		"no address in DNS, according to 192.0.2.53"},
	{"dns.names", func(_ *testing.T, s *stand) { s.names["shop.example.com"] = []string{"198.51.100.1"} },
		"shop.example.com", "198.51.100.1, not 203.0.113.10"},
	{"dns.names", func(_ *testing.T, s *stand) {
		s.names["shop.example.com"] = []string{publicAddress, "198.51.100.1"}
	}, "shop.example.com", "198.51.100.1 in addition to the host's 203.0.113.10, according to 192.0.2.53"},
	{"dns.names", func(_ *testing.T, s *stand) { s.config.Apps[0].CfProxied = true }, "blog.example.com",
		"203.0.113.10 is the host itself, not Cloudflare's proxy"},
	{"dns.names", func(_ *testing.T, s *stand) {
		s.config.EnableIpv6, s.host.Instance.Ipv6Address = true, ptr(publicIPv6)
	}, "shop.example.com", "203.0.113.10, not 203.0.113.10 and 2001:db8::10"},
	{"dns.names", noHost, "", "cannot be checked"},
	{"dns.proxy", behindProxy(redirectTo("https://blog.example.com/")), "blog.example.com", "308 to itself: a redirect loop"},
	{"dns.proxy", behindProxy(page(526)), "blog.example.com", "526 from Cloudflare"},

	{"registry.repositories", func(_ *testing.T, s *stand) { delete(s.repositories, "webstack-dev/shop") }, "shop",
		"there is no repository webstack-dev/shop"},
	{"registry.repositories", func(_ *testing.T, s *stand) {
		found := s.repositories["webstack-dev/shop"]
		found.ImageTagMutability = ecrtypes.ImageTagMutabilityMutable
		s.repositories["webstack-dev/shop"] = found
	}, "shop", "tags of webstack-dev/shop can be overwritten (MUTABLE)"},
	{"registry.repositories", func(_ *testing.T, s *stand) {
		s.repositories["webstack-dev/blog"].ImageScanningConfiguration.ScanOnPush = false
	}, "blog", "images of webstack-dev/blog are not scanned"},
	{"registry.repositories", func(_ *testing.T, s *stand) { s.expiring["webstack-dev/blog"] = false }, "blog",
		"images of webstack-dev/blog never expire"},
	{"registry.repositories", denied("DescribeRepositories"), "shop", "AccessDenied"},
	{"registry.repositories", denied("GetLifecyclePolicy"), "shop", "AccessDenied"},
	{"registry.roles", func(_ *testing.T, s *stand) { s.roles = nil }, "shop", "there is no role webstack-dev-deploy-shop"},
	{"registry.roles", func(_ *testing.T, s *stand) {
		s.roles["webstack-dev-deploy-shop"] = trustOf("repo:someone/shop:ref:refs/heads/main")
	}, "shop", "trusts repo:someone/shop:ref:refs/heads/main, not repo:example/shop:ref:refs/heads/main"},
	{"registry.roles", func(_ *testing.T, s *stand) { s.roles["webstack-dev-deploy-shop"] = "%7B%7D" }, "shop",
		"trusts nobody at GitHub"},
	{"registry.roles", denied("GetRole"), "shop", "AccessDenied"},
	{"registry.documents", func(_ *testing.T, s *stand) { delete(s.documents, "webstack-dev-deploy-blog") }, "blog",
		"there is no document webstack-dev-deploy-blog"},

	{"protection.volume", func(_ *testing.T, s *stand) { s.volumes = nil }, "",
		"there is no volume with the stack's tag"},
	{"protection.volume", func(_ *testing.T, s *stand) { s.volumes[0].Encrypted = ptr(false) }, "", "vol-1 is not encrypted"},
	{"protection.volume", func(_ *testing.T, s *stand) { s.volumes[0].Attachments = nil }, "",
		"vol-1 is not attached to i-1"},
	{"protection.volume", func(_ *testing.T, s *stand) {
		s.volumes[0].Attachments[0].DeleteOnTermination = ptr(true)
	}, "", "vol-1 would be deleted with the host"},
	{"protection.volume", denied("DescribeVolumes"), "", "AccessDenied"},
	{"protection.mount", func(_ *testing.T, s *stand) { s.status.DataMounted = false }, "",
		"nothing is mounted on /var/lib/webstack"},
	{"protection.key", fails("DescribeKey", "NotFoundException"), "", "there is no key alias/webstack-dev"},
	{"protection.key", func(_ *testing.T, s *stand) {
		s.key.KeyState, s.key.DeletionDate = kmstypes.KeyStatePendingDeletion, ptr(s.now)
	}, "", "key-1 will be deleted on"},
	{"protection.key", func(_ *testing.T, s *stand) { s.key.KeyState = kmstypes.KeyStateDisabled }, "", "key-1 is Disabled"},
	{"protection.key", func(_ *testing.T, s *stand) { s.rotated = false }, "", "key-1 is not rotated"},
	{"protection.key", denied("DescribeKey"), "", "AccessDenied"},
	{"protection.key", denied("GetKeyRotationStatus"), "", "AccessDenied"},
	{"protection.database", both(external5432, func(_ *testing.T, s *stand) {
		s.databases[0].DeletionProtection = ptr(false)
	}), "", "webstack-dev-postgres can be deleted"},
	{"protection.database", both(external5432, func(_ *testing.T, s *stand) { s.databases = nil }), "",
		"it does not exist"},
}

func noHost(_ *testing.T, s *stand) { s.hostErr = operate.ErrNoHost }

func unreachable(_ *testing.T, s *stand) { s.reachErr = errors.New("its agent has not come forward") }

func denied(call string) func(*testing.T, *stand) { return fails(call, "AccessDenied") }

func fails(call, code string) func(*testing.T, *stand) {
	return func(_ *testing.T, s *stand) { s.errs[call] = refused(code) }
}

func down(port string) func(*testing.T, *stand) {
	return func(_ *testing.T, s *stand) { s.site.down[publicAddress+port] = true }
}

func showing(url string, handle http.HandlerFunc) func(*testing.T, *stand) {
	return func(_ *testing.T, s *stand) { s.site.pages[url] = handle }
}

func shopUntil(left time.Duration) func(*testing.T, *stand) {
	return func(t *testing.T, s *stand) {
		s.site.certs["shop.example.com"] = s.site.ca.issue(t, "shop.example.com", s.now.Add(-89*24*time.Hour), s.now.Add(left))
	}
}

// silent lets a visitor wait until he goes.
func silent(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func both(first, second func(*testing.T, *stand)) func(*testing.T, *stand) {
	return func(t *testing.T, s *stand) {
		first(t, s)
		second(t, s)
	}
}

// only is the check of that name.
func only(t *testing.T, name string) []check {
	t.Helper()
	for _, c := range checks {
		if c.name == name {
			return []check{c}
		}
	}
	t.Fatalf("there is no check %s", name)
	return nil
}

func TestEachCheckCanFail(t *testing.T) {
	t.Parallel()
	for _, b := range slices.Concat(breakages, deployBreakages) {
		t.Run(b.check+"/"+b.found, func(t *testing.T) {
			t.Parallel()
			s := newStand(t)
			b.spoil(t, s)
			rows, err := run(t.Context(), s.world(), only(t, b.check), nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range rows {
				if (row.Outcome == Fail || row.Outcome == Warn) && row.Subject == b.subject && strings.Contains(row.Found, b.found) {
					if row.Do == "" || strings.Contains(row.Found, "\n") {
						t.Errorf("%+v", row)
					}
					return
				}
			}
			t.Errorf("no failed row of %q says %q: %+v", b.subject, b.found, rows)
		})
	}
}

func TestNoCheckLacksAWayToFail(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range checks {
		if seen[c.name] {
			t.Errorf("two checks are named %s", c.name)
		}
		seen[c.name] = true
		if PhaseTitles[c.phase] == "" || c.looked == "" {
			t.Errorf("%s has no phase, or does not say what it looks at", c.name)
		}
		if !slices.ContainsFunc(slices.Concat(breakages, deployBreakages), func(b broken) bool { return b.check == c.name }) {
			t.Errorf("no test makes %s fail", c.name)
		}
	}
}

func TestAllIsWell(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*testing.T, *stand){
		"as the sample": func(*testing.T, *stand) {},
		"external Postgres": both(external5432, func(_ *testing.T, s *stand) {
			s.status.Services = s.status.Services[:1]
		}),
		"no apps": func(_ *testing.T, s *stand) { s.config.Apps, s.config.ActiveApp, s.status.Apps = nil, "", nil },
		"no backups, no Elastic IP, no DNS": func(_ *testing.T, s *stand) {
			s.config.EnablePgDumpToS3, s.config.UseEip, s.config.EnableDns, s.buckets, s.addresses = false, false, false, nil, nil
		},
		"SSH and IPv6": func(_ *testing.T, s *stand) {
			s.config.SSHAllowedCidr, s.config.EnableIpv6 = "198.51.100.7/32", true
			s.rules = append(s.rules, ingress("tcp", 22, "198.51.100.7/32"), ingress("tcp", 80, "::/0"),
				ingress("tcp", 443, "::/0"), ingress("udp", 443, "::/0"))
			s.host.Instance.Ipv6Address = ptr(publicIPv6)
			for name := range s.names {
				s.names[name] = append(s.names[name], publicIPv6)
			}
		},
		"NAT gateway": func(_ *testing.T, s *stand) {
			s.config.NatMode = config.NatGateway
			s.tables[2].Routes = []ec2types.Route{{DestinationCidrBlock: ptr("0.0.0.0/0"), NatGatewayId: ptr("nat-1")}}
		},
		"proxied": func(_ *testing.T, s *stand) {
			s.config.Apps[0].CfProxied, s.names["blog.example.com"] = true, []string{"104.16.0.1", "104.16.1.1"}
		},
		"own certificate, others by ACME": func(t *testing.T, s *stand) {
			s.roots = s.site.trusted(t)
			s.config.Acme = "letsencrypt"
			s.parameters["/shop/ssl/cert"] = pemOf(s.site.certs["shop.example.com"].Certificate[0])
		},
		"own certificate for a private name": func(t *testing.T, s *stand) {
			s.site.certs["shop.example.com"] = newIssuer(t, "Mine").issue(t, "shop.example.com", s.now, s.now.Add(time.Hour))
			s.parameters["/shop/ssl/cert"] = pemOf(s.site.certs["shop.example.com"].Certificate[0])
		},
		"staging": func(_ *testing.T, s *stand) { s.config.Acme, s.status.Authority = "staging", "" },
		"given bucket": func(_ *testing.T, s *stand) {
			s.config.DbBackupBucketName, s.buckets[1].Name, s.tags = "our-backups", ptr("our-backups"), nil
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t)
			change(t, s)
			heard := 0
			rows, err := run(t.Context(), s.world(), checks, func(done, all int) { heard = max(heard, done) })
			if err != nil || heard < 20 || len(rows) < 20 {
				t.Fatalf("%v, %d rows, %d heard", err, len(rows), heard)
			}
			for _, row := range rows {
				want := Pass
				if row.Subject == "blog" && slices.Contains([]string{"registry.images", "deploys.releases", "deploys.last"}, row.Check) {
					want = Later // it has no release
				}
				if row.Outcome != want || row.Do != "" || row.Found == "" {
					t.Errorf("%+v", row)
				}
			}
			if !slices.IsSortedFunc(rows, func(a, b Row) int { return a.Phase - b.Phase }) {
				t.Error("the rows are not in the order of the phases")
			}
		})
	}
}

// A stack that was destroyed leaves its data volume, which a new one of the same name does not have.
func TestLeftVolume(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.volumes = append([]ec2types.Volume{{VolumeId: ptr("vol-0"), Size: ptr(int32(20)), Encrypted: ptr(true)}}, s.volumes...)
	rows, err := run(t.Context(), s.world(), only(t, "protection.volume"), nil)
	if err != nil || len(rows) != 2 || rows[0].Outcome != Pass || !strings.Contains(rows[0].Found, "vol-1, 20 GiB") ||
		rows[1].Outcome != Pass || !strings.Contains(rows[1].Found, "delete-volume --region eu-central-1 --volume-id vol-0") {
		t.Errorf("%+v, %v", rows, err)
	}
}

// A new stack has no backups yet, and neither has a new app.
func TestBackupsAreToCome(t *testing.T) {
	t.Parallel()
	outcomes := func(s *stand) (out string) {
		rows, err := run(t.Context(), s.world(), only(t, "backups.dumps"), nil)
		for _, row := range rows {
			out += row.Subject + ":" + string(row.Outcome) + " "
		}
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	s := newStand(t)
	s.objects = s.objects[:5] // no manifest of shop's newest
	if got := outcomes(s); got != "app:pass blog:pass shop:fail " {
		t.Errorf("without a manifest: %s", got)
	}
	s.objects = s.objects[1:5]
	if got := outcomes(s); got != "app:pass blog:pass shop:warn " {
		t.Errorf("a new app: %s", got)
	}
	s.objects, s.buckets[1].CreationDate = nil, ptr(s.now.Add(-time.Hour))
	if got := outcomes(s); got != "app:later blog:later shop:later " {
		t.Errorf("a new stack: %s", got)
	}
	s.config.EnableExternalPostgres = true
	if got := outcomes(s); got != "" {
		t.Errorf("an external Postgres: %s", got)
	}
}

// Right after a start nobody knows yet, which is no failure.
func TestHealthIsToCome(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.status.Services[0].Health = contract.HealthStarting
	rows, err := run(t.Context(), s.world(), only(t, "apps.services"), nil)
	if err != nil || len(rows) != 2 || rows[0].Outcome != Later || rows[1].Outcome != Pass {
		t.Errorf("%+v, %v", rows, err)
	}
}

// What several checks need is asked for once, and its failure is told once; the others point to it.
func TestOneCauseIsToldOnce(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	noHost(t, s)
	unreachable(t, s)
	rows, err := run(t.Context(), s.world(), checks, nil)
	if err != nil {
		t.Fatal(err)
	}
	pointing := 0
	for _, row := range rows {
		if row.Outcome == Fail && row.Check != "host.running" && row.Check != "system.agent" {
			pointing++
			if row.Do != "see there first" || strings.Contains(row.Found, "there is no instance") {
				t.Errorf("%+v", row)
			}
		}
	}
	if pointing < 10 {
		t.Errorf("%d rows point to the cause", pointing)
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if rows, err := run(ctx, newStand(t).world(), checks, nil); !errors.Is(err, context.Canceled) || rows != nil {
		t.Errorf("%v, %v", rows, err)
	}
}
