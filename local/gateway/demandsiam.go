package gateway

import "net/http"

// iamResources are the kinds of resources in calls to IAM, by the parameters that name them; the first one in a call
// counts.
var iamResources = []struct{ parameter, kind string }{
	{"RoleName", "role"}, {"InstanceProfileName", "instance-profile"}, {"UserName", "user"}, {"GroupName", "group"},
}

// iamDemands returns the permission for the resource that a call names, or for any resource if it names none. A role in
// an instance profile is passed to EC2.
func (g *Gateway) iamDemands(_ *http.Request, c call, s *session) ([]demand, error) {
	if c.action == "" {
		return nil, errUnmapped
	}
	own := demand{action: "iam:" + c.action, resource: anything}
	prefix := "arn:aws:iam::" + s.account + ":"
	for _, one := range iamResources {
		if name := c.form.Get(one.parameter); name != "" {
			own.resource = prefix + one.kind + "/" + name
			break
		}
	}
	for _, parameter := range []string{"PolicyArn", "OpenIDConnectProviderArn"} {
		if arn := c.form.Get(parameter); arn != "" && own.resource == anything {
			own.resource = arn
		}
	}
	if name := c.form.Get("PolicyName"); name != "" && own.resource == anything { // CreatePolicy
		own.resource = prefix + "policy/" + name
	}
	if c.action == "AddRoleToInstanceProfile" {
		own.resource = prefix + "instance-profile/" + c.form.Get("InstanceProfileName")
		return []demand{own, {action: "iam:PassRole", resource: prefix + "role/" + c.form.Get("RoleName"),
			context: map[string][]string{"iam:PassedToService": {"ec2.amazonaws.com"}}}}, nil
	}
	if arn := c.form.Get("PolicyArn"); arn != "" && own.resource != arn { // what is attached is a condition
		own.context = map[string][]string{"iam:PolicyARN": {arn}}
	}
	return []demand{own}, nil
}

// rdsDemands returns the permission for the RDS instance that a call names, or for any if it names none.
func (g *Gateway) rdsDemands(_ *http.Request, c call, s *session) ([]demand, error) {
	if c.action == "" {
		return nil, errUnmapped
	}
	own := demand{action: "rds:" + c.action, resource: anything}
	for _, one := range []struct{ parameter, kind string }{
		{"DBInstanceIdentifier", "db:"}, {"DBSnapshotIdentifier", "snapshot:"}, {"DBSubnetGroupName", "subgrp:"},
		{"DBParameterGroupName", "pg:"},
	} {
		if name := c.form.Get(one.parameter); name != "" {
			own.resource = c.arn(s.account, "rds", one.kind+name)
			break
		}
	}
	return []demand{own}, nil
}
