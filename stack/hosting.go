package stack

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/compute"
	"webstack/config"
	"webstack/dns"
	"webstack/templates"
)

func (b *builder) buildHost() (err error) {
	args := &compute.Args{
		Project: b.ctx.Project(), Stack: b.ctx.Stack(), NamePrefix: b.name, Region: b.region, AccountID: b.account,
		InstanceType: b.config.InstanceType, Generation: b.generation(), AmiID: b.image, UserData: templates.UserData,
		RootVolumeSize: b.config.RootVolumeSize, DataVolumeSize: b.config.DataVolumeSize,
		UseEip: b.config.UseEip, SSHAllowedCidr: b.config.SSHAllowedCidr, EnableIPv6: b.config.EnableIpv6,
		VpcID: b.network.VpcID.ToStringOutput(), SubnetID: b.hostSubnet(),
		AvailabilityZone: b.network.PublicSubnetZones.Index(pulumi.Int(0)),
		Internet:         []pulumi.Resource{b.network.PublicRoutes},
		Access: compute.Access{
			KmsKeyArn: b.apps.KmsKeyArn, ArtifactsBucketArn: b.apps.BucketArn, Apps: b.appNames(),
		},
	}
	if b.backup != nil {
		args.Access.BackupBucketArn = b.backup.BucketArn
	}
	if b.database != nil {
		args.JoinSecurityGroupIDs = pulumi.StringArray{b.database.ClientSecurityGroupID.ToStringOutput()}
	}
	b.host, err = compute.New(b.ctx, b.name, args, b.providers)
	return err
}

// hostSubnet returns the subnet of the host. It fails if the subnet's zone does not offer the instance type: the zone
// cannot change, because of the data volume, and EC2 would report the problem only after it has stopped the host.
func (b *builder) hostSubnet() pulumi.StringOutput {
	id, zone := b.network.PublicSubnetIDs.Index(pulumi.Int(0)), b.network.PublicSubnetZones.Index(pulumi.Int(0))
	return pulumi.All(id, zone).ApplyT(func(subnet []any) (string, error) {
		id, zone := subnet[0].(string), subnet[1].(string)
		if !slices.Contains(b.zones, zone) {
			return "", fmt.Errorf("place the host in %s, where its data volume is: %s is only offered in %s; set "+
				"webstack:instanceType to a type that %s offers", zone, b.config.InstanceType, strings.Join(b.zones, ", "), zone)
		}
		return id, nil
	}).(pulumi.StringOutput)
}

// generation identifies a host: by the image that the config names, otherwise by the architecture.
func (b *builder) generation() string {
	if b.config.AmiID != "" {
		return b.config.AmiID
	}
	return b.config.Arch()
}

// appNames returns the sorted names of all apps.
func (b *builder) appNames() []string {
	names := make([]string, 0, len(b.config.Apps))
	for _, app := range b.config.Apps {
		names = append(names, app.Name)
	}
	return names
}

func (b *builder) changeSeconds() map[string]int {
	seconds := map[string]int{}
	for _, app := range b.config.Apps {
		seconds[app.Name] = app.ChangeSeconds()
	}
	return seconds
}

func (b *builder) deploySeconds() map[string]int {
	seconds := map[string]int{}
	for _, app := range b.config.Apps {
		seconds[app.Name] = app.DeploySeconds()
	}
	return seconds
}

func (b *builder) buildDNS() error {
	if !b.config.EnableDns {
		return nil
	}
	args := &dns.Args{Stack: b.ctx.Stack(), IPv4: b.host.PublicIP, Records: records(b.config.Apps)}
	if b.config.EnableIpv6 {
		args.IPv6 = b.host.IPv6
	}
	_, err := dns.New(b.ctx, b.name, args, b.providers)
	return err
}

// records returns the domains of all apps, sorted by app and name.
func records(apps []config.App) []dns.Record {
	var out []dns.Record
	for _, app := range apps {
		for _, domain := range append([]string{app.Domain}, app.Aliases...) {
			out = append(out, dns.Record{
				App: app.Name, Zone: app.Zone, Name: config.RecordName(domain, app.Zone),
				Proxied: app.CfProxied, TTL: app.CfTtl,
			})
		}
	}
	slices.SortFunc(out, func(a, b dns.Record) int {
		if a.App != b.App {
			return strings.Compare(a.App, b.App)
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out
}
