package awsprovider

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"webstack/local/provider"
	"webstack/local/provider/providertest"
)

// TestExplicitNameIsDeletedFirst: two groups cannot have one name at a time.
func TestExplicitNameIsDeletedFirst(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	vpc := newVpc(e)
	for name, inputs := range map[string]provider.Values{
		"generated": {"vpcId": vpc.ID}, "given": {"vpcId": vpc.ID, "name": "host"},
	} {
		group := e.Create("aws:ec2/securityGroup:SecurityGroup", inputs)
		news := e.Checked(group.Token, group.Inputs, providertest.Merged(inputs, provider.Values{"description": "other"}))
		if first := group.Diff(news).DeleteBeforeReplace; first != (name == "given") {
			t.Errorf("name %s: delete before replace is %v", name, first)
		}
		group.Delete(t.Context())
	}
}

// TestGone: what somebody else deleted is gone at the next refresh.
func TestGone(t *testing.T) {
	t.Parallel()
	e, c := newEngine(t), testClients(t)
	ctx := t.Context()
	instance := newInstance(e)
	key := e.Create("aws:kms/key:Key", provider.Values{})
	group := e.Create("aws:ec2/securityGroup:SecurityGroup", provider.Values{"vpcId": newVpc(e).ID})
	rule := e.Create("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", provider.Values{
		"securityGroupId": group.ID, "ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "cidrIpv4": "192.0.2.0/24",
	})
	eip := e.Create("aws:ec2/eip:Eip", provider.Values{"domain": "vpc"})
	association := e.Create("aws:ec2/eipAssociation:EipAssociation", provider.Values{
		"allocationId": eip.ID, "instanceId": instance.ID,
	})
	_, err := c.ec2.DisassociateAddress(ctx, &ec2.DisassociateAddressInput{AssociationId: &association.ID})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.ec2.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{instance.ID}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.kms.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: &key.ID}); err != nil {
		t.Fatal(err)
	}
	_, err = c.ec2.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{
		GroupId: &group.ID, SecurityGroupRuleIds: []string{rule.ID},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*providertest.Resource{instance, key, rule, association} {
		if id, _, _ := r.Refresh(); id != "" {
			t.Errorf("%s is still there as %s", r.Token, id)
		}
	}
}

// TestDriftIsFoundAndReverted: a refresh shows a change made by hand, and the next update reverts it.
func TestDriftIsFoundAndReverted(t *testing.T) {
	t.Parallel()
	e, c := newEngine(t), testClients(t)
	vpc := e.Create("aws:ec2/vpc:Vpc", provider.Values{"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": true})
	_, err := c.ec2.CreateTags(t.Context(), &ec2.CreateTagsInput{
		Resources: []string{vpc.ID}, Tags: []types.Tag{{Key: aws.String("by"), Value: aws.String("hand")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.ec2.ModifyVpcAttribute(t.Context(), &ec2.ModifyVpcAttributeInput{
		VpcId: &vpc.ID, EnableDnsHostnames: &types.AttributeBooleanValue{Value: aws.Bool(false)},
	})
	if err != nil {
		t.Fatal(err)
	}
	wanted := provider.Values{"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": true}
	_, vpc.Inputs, vpc.Outputs = vpc.Refresh()
	got := vpc.Diff(e.Checked(vpc.Token, vpc.Inputs, wanted))
	if strings.Join(got.Diffs, " ") != "enableDnsHostnames tagsAll" || len(got.Replaces) > 0 {
		t.Errorf("differences %v, replaces %v", got.Diffs, got.Replaces)
	}
	vpc.Update(wanted)
	_, inputs, _ := vpc.Refresh()
	if got := vpc.Diff(inputs); got.Changes != pulumirpc.DiffResponse_DIFF_NONE || inputs.Object("tagsAll")["by"] != nil {
		t.Errorf("after the update: differences %v, tags %v", got.Diffs, inputs.Object("tagsAll"))
	}
}

// TestErrorsOfTheAPI: errors are returned with AWS's code. TestWhatIsMadeIsKept is about those after the resource exists.
func TestErrorsOfTheAPI(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	vpc := newVpc(e)
	newSubnet(e, vpc, "10.9.1.0/24", "a")
	create := func(token string, inputs provider.Values) error {
		in := e.Checked(token, nil, inputs)
		_, err := e.Client.Create(t.Context(), &pulumirpc.CreateRequest{Urn: e.URN(token), Properties: e.Encode(in)})
		return err
	}
	err := create("aws:ec2/subnet:Subnet", provider.Values{"vpcId": vpc.ID, "cidrBlock": "10.9.1.0/24"})
	if err == nil || !strings.Contains(err.Error(), "InvalidSubnet.Conflict") {
		t.Errorf("two subnets of one network: %v", err)
	}
}

func TestExistingRouteIsNotTakenOver(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	vpc := newVpc(e)
	gateway := e.Create("aws:ec2/internetGateway:InternetGateway", provider.Values{"vpcId": vpc.ID})
	table := e.Create("aws:ec2/routeTable:RouteTable", provider.Values{"vpcId": vpc.ID})
	inputs := provider.Values{"routeTableId": table.ID, "destinationIpv6CidrBlock": "::/0", "gatewayId": gateway.ID}
	route := e.Create("aws:ec2/route:Route", inputs)
	_, err := e.Client.Create(t.Context(), &pulumirpc.CreateRequest{
		Urn: e.URN(route.Token), Properties: e.Encode(route.Inputs),
	})
	if err == nil || !strings.Contains(err.Error(), "already exists") {
		t.Errorf("a second route to the same network: %v", err)
	}
	// An engine that was killed knows only the inputs, and the id from the journal.
	id, _, outputs := e.Read(route.Token, route.ID, route.Inputs, nil)
	if id != route.ID || outputs.Str("state") != "active" {
		t.Errorf("read by inputs alone: id %q, outputs %v", id, outputs)
	}
}

func TestDeletionWaitsForDependants(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	vpc := newVpc(e)
	subnet := newSubnet(e, vpc, "10.9.1.0/24", "a")
	removed := make(chan error, 1)
	go func() { removed <- vpc.TryDelete(t.Context()) }()
	subnet.Delete(t.Context())
	if err := <-removed; err != nil {
		t.Errorf("a VPC whose subnet goes away: %v", err)
	}
}

func TestDatabaseIsNotDeletedUnlessToldHow(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	db := e.Create("aws:rds/instance:Instance", provider.Values{
		"instanceClass": "db.t4g.micro", "engine": "postgres", "allocatedStorage": 20, "username": "postgres",
		"password": "correct horse", "applyImmediately": true,
	})
	if err := db.TryDelete(t.Context()); err == nil || !strings.Contains(err.Error(), "finalSnapshotIdentifier") {
		t.Errorf("without a word about the data: %v", err)
	}
	if id, _, _ := db.Refresh(); id == "" {
		t.Error("it is gone anyway")
	}
	db.Update(providertest.Merged(inputsOf(db), provider.Values{"finalSnapshotIdentifier": e.Name + "-last"}))
	db.Delete(t.Context())
}

// inputsOf returns the inputs that the test gave, without what Check adds.
func inputsOf(r *providertest.Resource) provider.Values {
	out := provider.Values{}
	defaulted := r.Inputs.Strs("__defaults")
	for key, value := range r.Inputs {
		if key != "__defaults" && key != "tagsAll" && !contains(defaulted, key) {
			out[key] = value
		}
	}
	return out
}

func contains(list []string, item string) bool { return len(without([]string{item}, list)) == 0 }

func TestVolumeLeavesASnapshot(t *testing.T) {
	t.Parallel()
	e, c := newEngine(t), testClients(t)
	volume := e.Create("aws:ebs/volume:Volume", provider.Values{
		"availabilityZone": "eu-central-1a", "size": 1, "finalSnapshot": true, "tags": provider.Values{"Name": "data"},
	})
	id := volume.ID
	volume.Delete(t.Context())
	found, err := c.ec2.DescribeSnapshots(t.Context(), &ec2.DescribeSnapshotsInput{Filters: ec2Filters("volume-id", id)})
	if err != nil || len(found.Snapshots) != 1 || fromEC2Tags(found.Snapshots[0].Tags)["Name"] != "data" {
		t.Errorf("snapshots %v, error %v", found, err)
	}
}

// TestAttachmentStopsItsInstanceFirst: a file system in use is not detached.
func TestAttachmentStopsItsInstanceFirst(t *testing.T) {
	t.Parallel()
	e, c := newEngine(t), testClients(t)
	instance := newInstance(e)
	volume := e.Create("aws:ebs/volume:Volume", provider.Values{"availabilityZone": "eu-central-1a", "size": 1})
	attachment := e.Create("aws:ec2/volumeAttachment:VolumeAttachment", provider.Values{
		"deviceName": "/dev/sdf", "instanceId": instance.ID, "volumeId": volume.ID, "stopInstanceBeforeDetaching": true,
	})
	attachment.Delete(context.WithoutCancel(t.Context()))
	stopped, err := c.describeInstance(t.Context(), instance.ID)
	if err != nil || instanceState(stopped) != types.InstanceStateNameStopped {
		t.Errorf("instance %v, error %v", instanceState(stopped), err)
	}
}

// TestSharedArchitecture: another type replaces an instance only if the two cannot run the same images.
func TestSharedArchitecture(t *testing.T) {
	t.Parallel()
	c := testClients(t)
	for _, test := range []struct {
		one, other string
		want       bool
	}{{"t4g.small", "m7g.large", true}, {"t3.small", "t4g.small", false}, {"t3.small", "no.such", true}} {
		if got := c.shareArchitecture(t.Context(), test.one, test.other); got != test.want {
			t.Errorf("%s and %s: %v", test.one, test.other, got)
		}
	}
}

func TestPreviewOfWhatDependsOnNewResources(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	previewed := e.Previewed("aws:ec2/instance:Instance", provider.Values{
		"ami": provider.Unknown{}, "instanceType": "t4g.small", "subnetId": provider.Unknown{},
	})
	if previewed["subnetId"] != (provider.Unknown{}) || previewed["publicIp"] != (provider.Unknown{}) {
		t.Errorf("preview %v", previewed)
	}
}
