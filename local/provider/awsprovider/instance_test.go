package awsprovider

import (
	"testing"

	"webstack/local/moto"
	"webstack/local/provider"
	"webstack/local/provider/providertest"
)

// testImage is a machine image that the emulated account has, for x86_64.
var testImage = moto.Image("amd64")

// newInstance starts an instance in a public subnet of its own.
func newInstance(e *providertest.Engine) *providertest.Resource {
	e.T.Helper()
	vpc := newVpc(e)
	e.Create("aws:ec2/internetGateway:InternetGateway", provider.Values{"vpcId": vpc.ID}) // for an Elastic IP
	subnet := newSubnet(e, vpc, "10.9.1.0/24", "a")
	return e.Create("aws:ec2/instance:Instance", provider.Values{
		"ami": testImage, "instanceType": "t3.small", "subnetId": subnet.ID,
	})
}

func TestInstance(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	vpc := newVpc(e)
	subnet := newSubnet(e, vpc, "10.9.1.0/24", "a")
	one := e.Create("aws:ec2/securityGroup:SecurityGroup", provider.Values{"vpcId": vpc.ID})
	e.Name += "-two"
	two := e.Create("aws:ec2/securityGroup:SecurityGroup", provider.Values{"vpcId": vpc.ID})
	providertest.Lifecycle{
		Token: "aws:ec2/instance:Instance",
		Inputs: provider.Values{
			"ami": testImage, "instanceType": "t3.small", "subnetId": subnet.ID, "vpcSecurityGroupIds": []string{one.ID},
			"userData": "#!/bin/sh\necho hello\n",
			"rootBlockDevice": provider.Values{
				"volumeType": "gp3", "volumeSize": 16, "encrypted": true, "tags": provider.Values{"Name": "root"},
			},
			"metadataOptions": provider.Values{"httpTokens": "required", "httpPutResponseHopLimit": 1},
			"tags":            provider.Values{"Name": "web"},
		},
		Unknown: []string{"arn", "publicIp", "privateIp", "primaryNetworkInterfaceId", "availabilityZone"},
		Want: provider.Values{
			"instanceState": "running", "userData": "9db6f074fca0a903137b91c7c866b21d4e7205a7",
			"availabilityZone": "eu-central-1a",
		},
		Update: provider.Values{
			"instanceType": "t3.medium", "vpcSecurityGroupIds": []string{one.ID, two.ID},
			"userData": "#!/bin/sh\necho bye\n",
			"rootBlockDevice": provider.Values{
				"volumeType": "gp3", "volumeSize": 20, "encrypted": true,
				"tags": provider.Values{"Owner": "ops"},
			},
			"metadataOptions": provider.Values{"httpTokens": "required", "httpPutResponseHopLimit": 2},
			"tags":            provider.Values{"Name": "web", "Role": "host"},
		},
		Replace: []provider.Values{
			{"ami": "ami-other"}, {"subnetId": "subnet-other"}, {"instanceType": "t4g.small"},
			{"rootBlockDevice": provider.Values{"encrypted": false}},
		},
	}.Run(t, e)
}

func TestVolume(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	providertest.Lifecycle{
		Token: "aws:ebs/volume:Volume",
		Inputs: provider.Values{
			"availabilityZone": "eu-central-1a", "size": 20, "type": "gp3", "encrypted": true,
			"tags": provider.Values{"Name": "data"},
		},
		Unknown: []string{"arn"},
		Update:  provider.Values{"size": 30, "tags": provider.Values{"Name": "more data"}},
		Replace: []provider.Values{{"availabilityZone": "eu-central-1b"}, {"encrypted": false}},
	}.Run(t, e)
}

func TestVolumeAttachment(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	instance := newInstance(e)
	volume := e.Create("aws:ebs/volume:Volume", provider.Values{"availabilityZone": "eu-central-1a", "size": 8})
	providertest.Lifecycle{
		Token: "aws:ec2/volumeAttachment:VolumeAttachment",
		Inputs: provider.Values{
			"deviceName": "/dev/sdf", "instanceId": instance.ID, "volumeId": volume.ID,
		},
		Update:   provider.Values{"stopInstanceBeforeDetaching": true},
		Replace:  []provider.Values{{"deviceName": "/dev/sdg"}, {"instanceId": "i-other"}, {"volumeId": "vol-other"}},
		ImportID: "/dev/sdf:" + volume.ID + ":" + instance.ID,
	}.Run(t, e)
}
