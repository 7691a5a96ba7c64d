package gateway

import (
	"net/http"
	"strings"
)

// ec2Resources are the kinds of resources in calls to EC2, by the parameters that name them, without the numbers of
// lists.
var ec2Resources = []struct{ parameter, kind string }{
	{"InstanceId", "instance"}, {"VolumeId", "volume"}, {"GroupId", "security-group"}, {"AllocationId", "elastic-ip"},
	{"VpcId", "vpc"}, {"SubnetId", "subnet"}, {"RouteTableId", "route-table"}, {"InternetGatewayId", "internet-gateway"},
	{"NatGatewayId", "natgateway"}, {"VpcEndpointId", "vpc-endpoint"}, {"SnapshotId", "snapshot"}, {"ImageId", "image"},
}

// ec2Demands returns one permission for each resource that a call names, or one for any resource if it names none or
// describes resources.
func (g *Gateway) ec2Demands(r *http.Request, c call, s *session) ([]demand, error) {
	action := "ec2:" + c.action
	if c.action == "" {
		return nil, errUnmapped
	}
	if strings.HasPrefix(c.action, "Describe") {
		return []demand{{action: action, resource: anything}}, nil
	}
	var demands []demand
	for _, one := range ec2Resources {
		for _, id := range c.named(one.parameter) {
			demands = append(demands, demand{action: action, resource: c.arn(s.account, "ec2", one.kind+"/"+id)})
		}
	}
	if c.action == "RunInstances" {
		demands = append(demands, demand{action: action, resource: c.arn(s.account, "ec2", "instance/*")})
		if name := c.form.Get("IamInstanceProfile.Name"); name != "" {
			demands = append(demands, demand{action: "iam:PassRole", resource: "arn:aws:iam::" + s.account + ":role/" + name})
		}
	}
	if len(demands) == 0 {
		return []demand{{action: action, resource: anything}}, nil
	}
	return g.tagged(r, c, s, demands)
}

// named returns the values of a parameter, which may be a list.
func (c call) named(parameter string) []string {
	var out []string
	for name, values := range c.form {
		if name == parameter || strings.HasPrefix(name, parameter+".") {
			out = append(out, values...)
		}
	}
	return out
}

// tagged adds the tags of instances to the permissions on them.
func (g *Gateway) tagged(r *http.Request, c call, s *session, demands []demand) ([]demand, error) {
	hosts, err := g.fleet.hosts(r.Context(), c.region)
	if err != nil {
		return nil, err
	}
	for i, d := range demands {
		for _, h := range hosts {
			if d.resource != c.arn(s.account, "ec2", "instance/"+h.ID) {
				continue
			}
			demands[i].context = map[string][]string{}
			for _, tag := range h.Tags {
				demands[i].context["aws:ResourceTag/"+tag.Key] = []string{tag.Value}
				demands[i].context["ec2:ResourceTag/"+tag.Key] = []string{tag.Value}
			}
		}
	}
	return demands, nil
}
