package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// anything is the resource of actions that have none.
const anything = "*"

func (c call) arn(account, service, rest string) string {
	return "arn:aws:" + service + ":" + c.region + ":" + account + ":" + rest
}

func (g *Gateway) ec2Demands(_ *http.Request, c call, _ *session) ([]demand, error) {
	if !strings.HasPrefix(c.action, "Describe") {
		return nil, errUnmapped
	}
	return []demand{{action: "ec2:" + c.action, resource: anything}}, nil
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

// kmsDemands are those of calls that name the key.
func (g *Gateway) kmsDemands(r *http.Request, c call, s *session) ([]demand, error) {
	var in struct{ KeyID string }
	if json.Unmarshal(c.body, &in) != nil || in.KeyID == "" {
		return nil, errUnmapped
	}
	arn, err := g.keyArn(r, in.KeyID)
	return []demand{{action: "kms:" + c.action, resource: arn}}, err
}

// keyArn finds a key by any of its names.
func (g *Gateway) keyArn(r *http.Request, key string) (string, error) {
	var out struct{ KeyMetadata struct{ Arn string } }
	answer, err := g.askJSON(r, "kms", "TrentService.DescribeKey", map[string]string{"KeyId": key}, &out)
	if err == nil && !answer.ok() {
		return key, nil // the call itself will say that there is no such key
	}
	return out.KeyMetadata.Arn, err
}

func (g *Gateway) s3Demands(r *http.Request, c call, _ *session) ([]demand, error) {
	bucket, key := bucketAndKey(r)
	onBucket, onObject := "arn:aws:s3:::"+bucket, "arn:aws:s3:::"+bucket+"/"+key
	query := r.URL.Query()
	version := func(action string) string {
		if query.Has("versionId") {
			return action + "Version"
		}
		return action
	}
	object := func(action string) ([]demand, error) { return []demand{{action: action, resource: onObject}}, nil }
	switch c.action {
	case "GetObject", "HeadObject":
		return object(version("s3:GetObject"))
	case "PutObject", "PostMultipartUpload", "PostMultipartUploads", "PutMultipartUpload":
		demands := []demand{{action: "s3:PutObject", resource: onObject, context: writing(r, c.action)}}
		if r.Header.Get("X-Amz-Tagging") != "" {
			demands = append(demands, demand{action: "s3:PutObjectTagging", resource: onObject})
		}
		return demands, nil
	case "CopyObject":
		source, err := url.PathUnescape(strings.TrimPrefix(r.Header.Get("X-Amz-Copy-Source"), "/"))
		if err != nil {
			return nil, errUnmapped
		}
		source, _, _ = strings.Cut(source, "?")
		return []demand{
			{action: "s3:GetObject", resource: "arn:aws:s3:::" + source},
			{action: "s3:PutObject", resource: onObject, context: writing(r, c.action)},
		}, nil
	case "DeleteObject":
		return object(version("s3:DeleteObject"))
	case "DeleteMultipartUpload":
		return object("s3:AbortMultipartUpload")
	case "GetMultipartUpload":
		return object("s3:ListMultipartUploadParts")
	case "ListObjects", "HeadBucket":
		d := demand{action: "s3:ListBucket", resource: onBucket, context: map[string][]string{}}
		for _, name := range []string{"prefix", "delimiter"} {
			if query.Has(name) {
				d.context["s3:"+name] = []string{query.Get(name)}
			}
		}
		return []demand{d}, nil
	case "GetObjectVersions":
		return []demand{{action: "s3:ListBucketVersions", resource: onBucket,
			context: map[string][]string{"s3:prefix": {query.Get("prefix")}}}}, nil
	case "GetMultipartUploads":
		return []demand{{action: "s3:ListBucketMultipartUploads", resource: onBucket,
			context: map[string][]string{"s3:prefix": {query.Get("prefix")}}}}, nil
	case "PutTagging", "DeleteTagging", "PutRetention", "PutLegalHold":
		if key == "" {
			return nil, errUnmapped
		}
		return object(s3ObjectActions[c.action])
	case "PutBucketLifecycleConfiguration":
		return []demand{{action: "s3:PutLifecycleConfiguration", resource: onBucket}}, nil
	case "GetBucketLocation", "GetBucketVersioning", "PutBucketPolicy", "DeleteBucketPolicy", "PutBucketVersioning":
		return []demand{{action: "s3:" + c.action, resource: onBucket}}, nil
	case "ListBuckets":
		return []demand{{action: "s3:ListAllMyBuckets", resource: anything}}, nil
	default:
		return nil, errUnmapped
	}
}

// s3ObjectActions are the permissions for what changes an object beside its content.
var s3ObjectActions = map[string]string{
	"PutTagging": "s3:PutObjectTagging", "DeleteTagging": "s3:DeleteObjectTagging",
	"PutRetention": "s3:PutObjectRetention", "PutLegalHold": "s3:PutObjectLegalHold",
}

// writing are the condition keys of a permission to write an object. Beginning an upload of parts, and each part, needs
// the permission too, but makes no object.
func writing(r *http.Request, action string) map[string][]string {
	out := map[string][]string{
		"s3:ObjectCreationOperation": {fmt.Sprint(action != "PostMultipartUploads" && action != "PutMultipartUpload")},
	}
	if value := r.Header.Get("If-None-Match"); value != "" {
		out["s3:if-none-match"] = []string{value}
	}
	return out
}

// ecrActions are those of a repository that sessions can have permission for.
var ecrActions = map[string]bool{
	"BatchCheckLayerAvailability": true, "BatchDeleteImage": true, "BatchGetImage": true, "CompleteLayerUpload": true,
	"DescribeImages": true, "GetDownloadUrlForLayer": true, "InitiateLayerUpload": true, "ListImages": true,
	"ListTagsForResource": true, "PutImage": true, "UploadLayerPart": true,
}

func (g *Gateway) ecrDemands(r *http.Request, c call, s *session) ([]demand, error) {
	var in struct {
		RepositoryName  string
		RepositoryNames []string
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
	case ecrActions[c.action] && in.RepositoryName != "":
		d, err := g.repositoryDemand(r, c, s, "ecr:"+c.action, in.RepositoryName)
		return []demand{d}, err
	default:
		return nil, errUnmapped
	}
}

// repositoryDemand is a permission on a repository, with its tags.
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
