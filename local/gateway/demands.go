package gateway

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
)

// anything is the resource for actions that have none.
const anything = "*"

func (c call) arn(account, service, rest string) string {
	return "arn:aws:" + service + ":" + c.region + ":" + account + ":" + rest
}

func (g *Gateway) stsDemands(_ *http.Request, c call, _ *session) ([]demand, error) {
	switch c.action {
	case "GetCallerIdentity", "AssumeRoleWithWebIdentity": // need no permission
		return nil, nil
	case "AssumeRole":
		return []demand{{action: "sts:AssumeRole", resource: c.form.Get("RoleArn")}}, nil
	default:
		return nil, errUnmapped
	}
}

// kmsUnbound are the actions that are not about a particular key.
var kmsUnbound = map[string]bool{"CreateKey": true, "GenerateRandom": true, "ListAliases": true, "ListKeys": true}

// kmsDemands are those of calls that name the key, or something that was encrypted with it.
func (g *Gateway) kmsDemands(r *http.Request, c call, s *session) ([]demand, error) {
	var in struct {
		KeyID, TargetKeyID, CiphertextBlob string
	}
	if json.Unmarshal(c.body, &in) != nil {
		return nil, errUnmapped
	}
	if kmsUnbound[c.action] {
		return []demand{{action: "kms:" + c.action, resource: anything}}, nil
	}
	key := cmp.Or(in.KeyID, in.TargetKeyID)
	if blob, err := base64.StdEncoding.DecodeString(in.CiphertextBlob); key == "" && err == nil && len(blob) > keyIDLength {
		key = string(blob[:keyIDLength]) // moto writes it in front
	}
	if key == "" {
		return nil, errUnmapped
	}
	arn, err := g.keyArn(r, key)
	return []demand{{action: "kms:" + c.action, resource: arn}}, err
}

// keyIDLength is how long the id of a key is.
const keyIDLength = 36

// keyArn returns the ARN of a key by any of its names.
func (g *Gateway) keyArn(r *http.Request, key string) (string, error) {
	var out struct{ KeyMetadata struct{ Arn string } }
	answer, err := g.askJSON(r, "kms", "TrentService.DescribeKey", map[string]string{"KeyId": key}, &out)
	if err == nil && !answer.ok() {
		return key, nil // the call itself will report that there is no such key
	}
	return out.KeyMetadata.Arn, err
}

func (g *Gateway) ecrDemands(r *http.Request, c call, s *session) ([]demand, error) {
	var in struct {
		RepositoryName, ResourceArn string
		RepositoryNames             []string
	}
	if json.Unmarshal(c.body, &in) != nil {
		return nil, errUnmapped
	}
	switch {
	case c.action == "GetAuthorizationToken":
		return []demand{{action: "ecr:GetAuthorizationToken", resource: anything}}, nil
	case c.action == "DescribeRepositories" && len(in.RepositoryNames) == 0:
		return []demand{{action: "ecr:DescribeRepositories", resource: c.arn(s.account, "ecr", "repository/*")}}, nil
	case c.action == "DescribeRepositories":
		var demands []demand
		for _, name := range in.RepositoryNames {
			d, err := g.repositoryDemand(r, c, s, "ecr:DescribeRepositories", name)
			if err != nil {
				return nil, err
			}
			demands = append(demands, d)
		}
		return demands, nil
	case in.RepositoryName != "":
		d, err := g.repositoryDemand(r, c, s, "ecr:"+c.action, in.RepositoryName)
		return []demand{d}, err
	case in.ResourceArn != "": // of tags
		_, name, _ := strings.Cut(in.ResourceArn, ":repository/")
		d, err := g.repositoryDemand(r, c, s, "ecr:"+c.action, name)
		return []demand{d}, err
	default: // of the registry as a whole
		return []demand{{action: "ecr:" + c.action, resource: anything}}, nil
	}
}

// repositoryDemand returns a permission on a repository, with its tags.
func (g *Gateway) repositoryDemand(r *http.Request, c call, s *session, action, name string) (demand, error) {
	d := demand{action: action, resource: c.arn(s.account, "ecr", "repository/"+name), context: map[string][]string{}}
	var out struct {
		Tags []struct{ Key, Value string }
	}
	answer, err := g.askECR(r, "ListTagsForResource", map[string]string{"resourceArn": d.resource}, &out)
	if err != nil {
		return d, err
	}
	if answer.ok() {
		for _, tag := range out.Tags {
			d.context["aws:ResourceTag/"+tag.Key] = []string{tag.Value}
			d.context["ecr:ResourceTag/"+tag.Key] = []string{tag.Value}
		}
	}
	return d, nil
}

// askECR makes a call of the gateway's own to ECR.
func (g *Gateway) askECR(r *http.Request, action string, in, out any) (reply, error) {
	return g.askJSON(r, "ecr", "AmazonEC2ContainerRegistry_V20150921."+action, in, out)
}
