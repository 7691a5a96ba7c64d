package compute

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ebs"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/contract"
)

// TypeToken is the component's type.
const TypeToken = "webstack:compute:Compute"

// MaxUserData is EC2's limit for user data, in bytes before encoding.
const MaxUserData = 16384

// Args describe the host to build.
type Args struct {
	// Project and Stack form the tag by which documents find the host.
	Project, Stack string
	// NamePrefix starts the Name tags and the role's name, usually "<project>-<stack>".
	NamePrefix string
	// Region and AccountID are where the host is.
	Region, AccountID string
	// InstanceType determines the architecture, which must match AmiID.
	InstanceType string
	// Generation identifies a host: a new value makes a new host, before the old one is deleted, and the data volume
	// moves to it. It is the image if the config names one, otherwise the architecture, which needs its own image.
	// UseEip and EnableIPv6 count too: see hostName.
	Generation string
	// AmiID is the machine image of a new host. An existing host keeps its own.
	AmiID string
	// UserData is the script of the first boot, at most MaxUserData bytes. An existing host ignores a new one.
	UserData string
	// RootVolumeSize and DataVolumeSize are in GiB.
	RootVolumeSize, DataVolumeSize int
	// UseEip gives the host an address that outlives it. Turning it off makes a new host.
	UseEip bool
	// SSHAllowedCidr may reach port 22; "" closes it.
	SSHAllowedCidr string
	// EnableIPv6 also opens the ports for IPv6 and gives the host an IPv6 address. A change makes a new host.
	EnableIPv6 bool
	// VpcID, SubnetID and AvailabilityZone are where the host is: a public subnet and its zone. The data volume takes
	// the zone from here and not from the host, so that replacing the host does not affect it.
	VpcID, SubnetID, AvailabilityZone pulumi.StringInput
	// JoinSecurityGroupIDs are existing groups that the host joins, such as the one for a database's clients.
	JoinSecurityGroupIDs pulumi.StringArray
	// Internet is what must exist before the host can reach anything.
	Internet []pulumi.Resource
	// Access is what the host's role may access.
	Access Access
}

// Compute is the component.
type Compute struct {
	pulumi.ResourceState

	InstanceID      pulumi.IDOutput
	PublicIP        pulumi.StringOutput
	IPv6            pulumi.StringOutput // "" without EnableIPv6
	SecurityGroupID pulumi.IDOutput
	DataVolumeID    pulumi.IDOutput
	RoleName        pulumi.StringOutput
	// Ready is what must exist before the host can run commands: its instance, its volume and its role's policies.
	Ready []pulumi.Resource
}

// builder holds what the steps of New share.
type builder struct {
	ctx    *pulumi.Context
	name   string
	args   *Args
	parent pulumi.ResourceOption
	out    *Compute

	policies []pulumi.Resource // of the host's role
}

// New registers the host and its resources.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Compute, error) {
	if err := args.check(); err != nil {
		return nil, err
	}
	out := &Compute{}
	if err := ctx.RegisterComponentResourceV2(TypeToken, name, args.inputs(), out, opts...); err != nil {
		return nil, fmt.Errorf("register %s: %w", name, err)
	}
	b := &builder{ctx: ctx, name: name, args: args, parent: pulumi.Parent(out), out: out}
	if err := b.makeSecurityGroup(); err != nil {
		return nil, err
	}
	profile, err := b.makeRole()
	if err != nil {
		return nil, err
	}
	instance, err := b.makeInstance(profile)
	if err != nil {
		return nil, err
	}
	if err := b.makeDataVolume(instance); err != nil {
		return nil, err
	}
	if err := b.makeAddress(instance); err != nil {
		return nil, err
	}
	return out, ctx.RegisterResourceOutputs(out, pulumi.Map{
		"instanceId":   out.InstanceID,
		"publicIp":     out.PublicIP,
		"ipv6":         out.IPv6,
		"dataVolumeId": out.DataVolumeID,
		"roleName":     out.RoleName,
	})
}

func (a *Args) check() error {
	var problems []error
	if len(a.UserData) > MaxUserData {
		problems = append(problems, fmt.Errorf("use user data of %d bytes: EC2 accepts at most %d",
			len(a.UserData), MaxUserData))
	}
	if a.SSHAllowedCidr != "" {
		if open, err := netip.ParsePrefix(a.SSHAllowedCidr); err != nil || open != open.Masked() {
			problems = append(problems, fmt.Errorf("open port 22 to %q: give a network address with its prefix length, "+
				"such as 203.0.113.0/24", a.SSHAllowedCidr))
		}
	}
	if a.InstanceType == "" || a.AmiID == "" || a.Generation == "" {
		problems = append(problems, fmt.Errorf("start a host of type %q, image %q and generation %q: give all three",
			a.InstanceType, a.AmiID, a.Generation))
	}
	if len(a.Access.Apps) > maxApps {
		problems = append(problems, fmt.Errorf("let the host read the certificates of %d apps: IAM attaches %d policies "+
			"to a role, enough for %d apps", len(a.Access.Apps), maxAttachedPolicies, maxApps))
	}
	if a.RootVolumeSize < 8 || a.DataVolumeSize < 1 {
		problems = append(problems, fmt.Errorf("use volumes of %d and %d GiB: the system needs at least 8, the data 1",
			a.RootVolumeSize, a.DataVolumeSize))
	}
	return errors.Join(problems...)
}

func (a *Args) inputs() pulumi.Map {
	return pulumi.Map{
		"generation":     pulumi.String(a.Generation),
		"instanceType":   pulumi.String(a.InstanceType),
		"rootVolumeSize": pulumi.Int(a.RootVolumeSize),
		"dataVolumeSize": pulumi.Int(a.DataVolumeSize),
		"useEip":         pulumi.Bool(a.UseEip),
		"sshAllowedCidr": pulumi.String(a.SSHAllowedCidr),
	}
}

// tags returns the tags of one resource. Documents and the operator's command find resources by the stack's tag.
func (b *builder) tags(suffix string, found bool) pulumi.StringMap {
	tags := pulumi.StringMap{"Name": pulumi.String(b.args.NamePrefix + "-" + suffix)}
	if found {
		tags[contract.TagStack] = pulumi.String(contract.StackTagValue(b.args.Project, b.args.Stack))
	}
	return tags
}

func (b *builder) makeInstance(profile pulumi.StringInput) (*ec2.Instance, error) {
	groups := append(pulumi.StringArray{b.out.SecurityGroupID.ToStringOutput()}, b.args.JoinSecurityGroupIDs...)
	args := &ec2.InstanceArgs{
		Ami:                 pulumi.String(b.args.AmiID),
		InstanceType:        pulumi.String(b.args.InstanceType),
		SubnetId:            b.args.SubnetID,
		VpcSecurityGroupIds: groups,
		IamInstanceProfile:  profile,
		UserData:            pulumi.String(b.args.UserData),
		// Only programs on the host itself get its credentials: a token is required, and the response does not
		// reach a container (one hop). It is always set, because an image may ask for two hops.
		MetadataOptions: &ec2.InstanceMetadataOptionsArgs{
			HttpEndpoint:            pulumi.String("enabled"),
			HttpTokens:              pulumi.String("required"),
			HttpPutResponseHopLimit: pulumi.Int(1),
			HttpProtocolIpv6:        pulumi.String("disabled"),
			InstanceMetadataTags:    pulumi.String("disabled"),
		},
		RootBlockDevice: &ec2.InstanceRootBlockDeviceArgs{
			VolumeType: pulumi.String("gp3"),
			VolumeSize: pulumi.Int(b.args.RootVolumeSize),
			Encrypted:  pulumi.Bool(true),
			Tags:       b.tags("root", false),
		},
		// AWS moves the instance to other hardware if its own fails.
		MaintenanceOptions: &ec2.InstanceMaintenanceOptionsArgs{AutoRecovery: pulumi.String("default")},
		Tags:               b.tags("host", true),
	}
	if strings.HasPrefix(b.args.InstanceType, "t") {
		// By default, burstable types are billed for bursts without a limit. With this, a busy month costs as much as a quiet
		// one.
		args.CreditSpecification = &ec2.InstanceCreditSpecificationArgs{CpuCredits: pulumi.String("standard")}
	}
	if b.args.EnableIPv6 {
		args.Ipv6AddressCount = pulumi.Int(1)
	}
	name, aliases := b.hostName()
	instance, err := ec2.NewInstance(b.ctx, name, args, b.parent, pulumi.Aliases(aliases),
		// An agent that starts without permissions tries again only after half an hour.
		pulumi.DependsOn(slices.Concat(b.args.Internet, b.policies)),
		pulumi.IgnoreChanges([]string{"ami", "userData", "associatePublicIpAddress", "keyName"}),
		// The data volume can be attached to only one host, so the old one is deleted first.
		pulumi.DeleteBeforeReplace(true))
	if err != nil {
		return nil, fmt.Errorf("register the instance: %w", err)
	}
	b.out.Ready = append(slices.Clone(b.policies), instance)
	b.out.InstanceID = instance.ID()
	b.out.PublicIP = instance.PublicIp
	b.out.IPv6 = pulumi.String("").ToStringOutput()
	if b.args.EnableIPv6 {
		b.out.IPv6 = instance.Ipv6Addresses.Index(pulumi.Int(0))
	}
	return instance, nil
}

// hostName returns the resource name of the instance, and its possible former names. A host gets its addresses at
// launch:
//
//   - Its system is set up for IPv6 only at the first boot.
//   - When an Elastic IP is removed, the new address is unknown until the old one is gone, which is after everything
//     else was changed. DNS would point to the old address, which may belong to somebody else by then.
//
// An Elastic IP can be given to an existing host.
func (b *builder) hostName() (name string, before []pulumi.Alias) {
	name = b.name + "-" + b.args.Generation
	if b.args.EnableIPv6 {
		name += "-ipv6"
	}
	if b.args.UseEip {
		return name + "-eip", []pulumi.Alias{{Name: pulumi.String(name)}}
	}
	return name, nil
}

// dataDevice is the name under which the volume is attached; Nitro hosts show it by its volume ID.
const dataDevice = "/dev/sdf"

func (b *builder) makeDataVolume(instance *ec2.Instance) error {
	volume, err := ebs.NewVolume(b.ctx, b.name+"-data", &ebs.VolumeArgs{
		AvailabilityZone: b.args.AvailabilityZone,
		Size:             pulumi.Int(b.args.DataVolumeSize),
		Type:             pulumi.String("gp3"),
		Encrypted:        pulumi.Bool(true),
		FinalSnapshot:    pulumi.Bool(true),
		Tags:             b.tags("data", true),
	}, b.parent, pulumi.Protect(true), pulumi.RetainOnDelete(true),
		// A volume cannot change its zone: it would be replaced by an empty one.
		pulumi.IgnoreChanges([]string{"availabilityZone"}))
	if err != nil {
		return fmt.Errorf("register the data volume: %w", err)
	}
	attachment, err := ec2.NewVolumeAttachment(b.ctx, b.name+"-data", &ec2.VolumeAttachmentArgs{
		DeviceName: pulumi.String(dataDevice),
		InstanceId: instance.ID(),
		VolumeId:   volume.ID(),
		// Detaching a mounted volume from a running host hangs or corrupts it.
		StopInstanceBeforeDetaching: pulumi.Bool(true),
	}, b.parent, pulumi.DeleteBeforeReplace(true))
	if err != nil {
		return fmt.Errorf("register the data volume's attachment: %w", err)
	}
	b.out.Ready = append(b.out.Ready, attachment)
	b.out.DataVolumeID = volume.ID()
	return nil
}

func (b *builder) makeAddress(instance *ec2.Instance) error {
	if !b.args.UseEip {
		return nil
	}
	address, err := ec2.NewEip(b.ctx, b.name, &ec2.EipArgs{
		Domain: pulumi.String("vpc"),
		Tags:   b.tags("host", false),
	}, b.parent, pulumi.DependsOn(b.args.Internet))
	if err != nil {
		return fmt.Errorf("register the address: %w", err)
	}
	_, err = ec2.NewEipAssociation(b.ctx, b.name, &ec2.EipAssociationArgs{
		AllocationId: address.ID(),
		InstanceId:   instance.ID(),
	}, b.parent, pulumi.DeleteBeforeReplace(true))
	if err != nil {
		return fmt.Errorf("register the address's association: %w", err)
	}
	b.out.PublicIP = address.PublicIp
	return nil
}
