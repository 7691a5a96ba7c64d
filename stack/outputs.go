package stack

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

// output is one output of the stack.
type output struct {
	name  string
	value pulumi.Input
}

// outputs are the stack's outputs. Their names are stable: scripts and the operator's command depend on them.
func (b *builder) outputs() []output {
	urls := pulumi.StringMap{}
	for _, app := range b.config.Apps {
		urls[app.Name] = pulumi.String("https://" + app.Domain)
	}
	backupBucket := pulumi.String("").ToStringOutput()
	if b.backup != nil {
		backupBucket = b.backup.BucketName
	}
	return []output{
		{"network_vpc_id", b.network.VpcID},
		{"network_public_subnet_ids", b.network.PublicSubnetIDs},
		{"network_private_app_subnet_ids", b.network.PrivateAppSubnetIDs},
		{"network_private_db_subnet_ids", b.network.PrivateDbSubnetIDs},
		{"web_instance_id", b.host.InstanceID},
		{"web_public_ip", b.host.PublicIP},
		{"web_ipv6", b.host.IPv6},
		{"app_urls", urls},
		{"ecr_repository_urls", b.ecr.RepositoryURLs},
		{"deploy_role_arns", b.ecr.DeployRoleArns},
		{"backup_bucket", backupBucket},
		{"ssm_documents", b.documents()},
	}
}
