package awsprovider

import (
	"testing"

	"webstack/local/provider"
)

// testImage is a machine image that the emulated account has, for x86_64.
const testImage = "ami-12c6146b"

// newInstance starts an instance in a public subnet of its own.
func newInstance(e *engine) *made {
	e.t.Helper()
	subnet := newSubnet(e, newVpc(e), "10.9.1.0/24", "a")
	return e.create("aws:ec2/instance:Instance", provider.Values{
		"ami": testImage, "instanceType": "t3.small", "subnetId": subnet.id,
	})
}

func TestInstance(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	vpc := newVpc(e)
	subnet := newSubnet(e, vpc, "10.9.1.0/24", "a")
	one := e.create("aws:ec2/securityGroup:SecurityGroup", provider.Values{"vpcId": vpc.id})
	two := e.create("aws:ec2/securityGroup:SecurityGroup", provider.Values{"vpcId": vpc.id, "name": e.name})
	lifecycle{
		token: "aws:ec2/instance:Instance",
		inputs: provider.Values{
			"ami": testImage, "instanceType": "t3.small", "subnetId": subnet.id, "vpcSecurityGroupIds": []string{one.id},
			"userData": "#!/bin/sh\necho hello\n",
			"rootBlockDevice": provider.Values{
				"volumeType": "gp3", "volumeSize": 16, "encrypted": true, "tags": provider.Values{"Name": "root"},
			},
			"metadataOptions": provider.Values{"httpTokens": "required", "httpPutResponseHopLimit": 1},
			"tags":            provider.Values{"Name": "web"},
		},
		unknown: []string{"arn", "publicIp", "privateIp", "primaryNetworkInterfaceId", "availabilityZone"},
		want: provider.Values{
			"instanceState": "running", "userData": "9db6f074fca0a903137b91c7c866b21d4e7205a7",
			"availabilityZone": "eu-central-1a",
			"sourceDestCheck":  true,
		},
		update: provider.Values{
			"instanceType": "t3.medium", "vpcSecurityGroupIds": []string{one.id, two.id}, "disableApiTermination": true,
			"userData": "#!/bin/sh\necho bye\n", "sourceDestCheck": false, "instanceInitiatedShutdownBehavior": "terminate",
			"rootBlockDevice": provider.Values{
				"volumeType": "gp3", "volumeSize": 20, "encrypted": true, "deleteOnTermination": false,
				"tags": provider.Values{"Owner": "ops"},
			},
			"metadataOptions": provider.Values{"httpTokens": "required", "httpPutResponseHopLimit": 2},
			"tags":            provider.Values{"Name": "web", "Role": "host"},
		},
		replace: []provider.Values{
			{"ami": "ami-other"}, {"subnetId": "subnet-other"}, {"keyName": "other"}, {"instanceType": "t4g.small"},
			{"userData": "new", "userDataReplaceOnChange": true},
			{"rootBlockDevice": provider.Values{"encrypted": false}},
		},
	}.run(t, e)
}

func TestVolume(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	lifecycle{
		token: "aws:ebs/volume:Volume",
		inputs: provider.Values{
			"availabilityZone": "eu-central-1a", "size": 20, "type": "gp3", "encrypted": true,
			"tags": provider.Values{"Name": "data"},
		},
		unknown: []string{"arn", "iops", "throughput"},
		update:  provider.Values{"size": 30, "throughput": 250, "tags": provider.Values{"Name": "more data"}},
		replace: []provider.Values{{"availabilityZone": "eu-central-1b"}, {"encrypted": false}},
	}.run(t, e)
}

func TestVolumeAttachment(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	instance := newInstance(e)
	volume := e.create("aws:ebs/volume:Volume", provider.Values{"availabilityZone": "eu-central-1a", "size": 8})
	lifecycle{
		token: "aws:ec2/volumeAttachment:VolumeAttachment",
		inputs: provider.Values{
			"deviceName": "/dev/sdf", "instanceId": instance.id, "volumeId": volume.id,
		},
		update:   provider.Values{"stopInstanceBeforeDetaching": true},
		replace:  []provider.Values{{"deviceName": "/dev/sdg"}, {"instanceId": "i-other"}, {"volumeId": "vol-other"}},
		importID: "/dev/sdf:" + volume.id + ":" + instance.id,
	}.run(t, e)
}
