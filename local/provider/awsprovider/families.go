package awsprovider

import "webstack/local/provider"

func iamTypes(c *clients) map[string]provider.Type {
	return map[string]provider.Type{
		"aws:iam/instanceProfile:InstanceProfile":             c.instanceProfile(),
		"aws:iam/openIdConnectProvider:OpenIdConnectProvider": c.openIDConnectProvider(),
		"aws:iam/policy:Policy":                               c.policy(),
		"aws:iam/role:Role":                                   c.role(),
		"aws:iam/rolePolicy:RolePolicy":                       c.rolePolicy(),
		"aws:iam/rolePolicyAttachment:RolePolicyAttachment":   c.rolePolicyAttachment(),
	}
}

func ssmTypes(c *clients) map[string]provider.Type {
	return map[string]provider.Type{
		"aws:ssm/association:Association": c.association(),
		"aws:ssm/document:Document":       c.document(),
		"aws:ssm/parameter:Parameter":     c.parameter(),
	}
}

func ssmFunctions(c *clients) map[string]provider.Function {
	return map[string]provider.Function{"aws:ssm/getParameter:getParameter": c.getParameter()}
}

func s3Types(c *clients) map[string]provider.Type {
	const encryption = "bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2"
	return map[string]provider.Type{
		"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2": c.bucketLifecycle(),
		"aws:s3/bucketObjectv2:BucketObjectv2":                                 c.bucketObject(),
		"aws:s3/bucketOwnershipControls:BucketOwnershipControls":               c.bucketOwnershipControls(),
		"aws:s3/bucketPolicy:BucketPolicy":                                     c.bucketPolicy(),
		"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock":               c.bucketPublicAccessBlock(),
		"aws:s3/" + encryption:                                                 c.bucketEncryption(),
		"aws:s3/bucketV2:BucketV2":                                             c.bucket(),
		"aws:s3/bucketVersioningV2:BucketVersioningV2":                         c.bucketVersioning(),
	}
}

func ecrTypes(c *clients) map[string]provider.Type {
	return map[string]provider.Type{
		"aws:ecr/lifecyclePolicy:LifecyclePolicy": c.repositoryLifecycle(),
		"aws:ecr/repository:Repository":           c.repository(),
	}
}
