package gateway

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"webstack/local/iamcheck"
)

// s3BucketActions are the permissions on a bucket whose names differ from the call's, by s3Action's name of the call.
var s3BucketActions = map[string]string{
	"CreateBucket": "s3:CreateBucket", "DeleteBucket": "s3:DeleteBucket", "HeadBucket": "s3:ListBucket",
	"ListObjects": "s3:ListBucket", "GetObjectVersions": "s3:ListBucketVersions",
	"GetMultipartUploads": "s3:ListBucketMultipartUploads",
	"GetBucketEncryption": "s3:GetEncryptionConfiguration", "PutBucketEncryption": "s3:PutEncryptionConfiguration",
	"DeleteBucketEncryption":             "s3:PutEncryptionConfiguration",
	"GetBucketLifecycleConfiguration":    "s3:GetLifecycleConfiguration",
	"PutBucketLifecycleConfiguration":    "s3:PutLifecycleConfiguration",
	"DeleteBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
	"GetPublicAccessBlock":               "s3:GetBucketPublicAccessBlock",
	"PutPublicAccessBlock":               "s3:PutBucketPublicAccessBlock",
	"DeletePublicAccessBlock":            "s3:PutBucketPublicAccessBlock",
	"DeleteBucketOwnershipControls":      "s3:PutBucketOwnershipControls",
	"GetTagging":                         "s3:GetBucketTagging", "PutTagging": "s3:PutBucketTagging",
	"DeleteTagging": "s3:PutBucketTagging", "GetAcl": "s3:GetBucketAcl", "PutAcl": "s3:PutBucketAcl",
	"GetBucketReplication": "s3:GetReplicationConfiguration", "PutBucketReplication": "s3:PutReplicationConfiguration",
	"DeleteBucketReplication": "s3:PutReplicationConfiguration",
	"GetObjectLock":           "s3:GetBucketObjectLockConfiguration", "PutObjectLock": "s3:PutBucketObjectLockConfiguration",
}

// s3BucketNames are the calls about a bucket whose permissions have the same names.
var s3BucketNames = map[string]bool{
	"DeleteBucketPolicy": true, "GetBucketLocation": true, "GetBucketOwnershipControls": true, "GetBucketPolicy": true,
	"GetBucketVersioning": true, "PutBucketOwnershipControls": true, "PutBucketPolicy": true, "PutBucketVersioning": true,
}

// s3ObjectActions are the permissions on an object, by s3Action's name of the call. Permissions on a version have the
// suffix Version.
var s3ObjectActions = map[string]string{
	"GetObject": "s3:GetObject", "HeadObject": "s3:GetObject", "DeleteObject": "s3:DeleteObject",
	"GetTagging": "s3:GetObjectTagging", "PutTagging": "s3:PutObjectTagging", "DeleteTagging": "s3:DeleteObjectTagging",
	"GetAcl": "s3:GetObjectAcl", "PutAcl": "s3:PutObjectAcl",
}

// s3Unversioned are permissions on an object that are the same for a version.
var s3Unversioned = map[string]string{
	"GetRetention": "s3:GetObjectRetention", "PutRetention": "s3:PutObjectRetention",
	"GetLegalHold": "s3:GetObjectLegalHold", "PutLegalHold": "s3:PutObjectLegalHold",
	"DeleteMultipartUpload": "s3:AbortMultipartUpload", "GetMultipartUpload": "s3:ListMultipartUploadParts",
}

func (g *Gateway) s3Demands(r *http.Request, c call, _ *session) ([]demand, error) {
	bucket, key := bucketAndKey(r)
	if c.action == "ListBuckets" {
		return []demand{{action: "s3:ListAllMyBuckets", resource: anything}}, nil
	}
	if key != "" {
		return objectDemands(r, c, bucket, key)
	}
	resource := "arn:aws:s3:::" + bucket
	switch action, known := s3BucketActions[c.action]; {
	case c.action == "PostObjects":
		return g.deletions(r, bucket)
	case known:
		return []demand{{action: action, resource: resource, context: listed(r)}}, nil
	case s3BucketNames[c.action]:
		return []demand{{action: "s3:" + c.action, resource: resource}}, nil
	default:
		return nil, errUnmapped
	}
}

// listed returns the condition keys of a call that lists a bucket.
func listed(r *http.Request) map[string][]string {
	values, query := map[string][]string{}, r.URL.Query()
	for _, name := range []string{"prefix", "delimiter", "max-keys"} {
		if query.Has(name) {
			values["s3:"+name] = []string{query.Get(name)}
		}
	}
	return values
}

// objectDemands returns the permissions for a call about one object. Bypassing a lock needs its own permission.
func objectDemands(r *http.Request, c call, bucket, key string) ([]demand, error) {
	demands, err := ownDemands(r, c, bucket, key)
	if err == nil && strings.EqualFold(r.Header.Get("X-Amz-Bypass-Governance-Retention"), "true") {
		demands = append(demands, demand{action: "s3:BypassGovernanceRetention",
			resource: "arn:aws:s3:::" + bucket + "/" + key, context: written(r)})
	}
	return demands, err
}

func ownDemands(r *http.Request, c call, bucket, key string) ([]demand, error) {
	resource := "arn:aws:s3:::" + bucket + "/" + key
	versioned := r.URL.Query().Has("versionId")
	if action, known := s3ObjectActions[c.action]; known {
		if versioned {
			action += "Version"
			action = strings.Replace(action, "TaggingVersion", "VersionTagging", 1)
			action = strings.Replace(action, "AclVersion", "VersionAcl", 1)
		}
		return []demand{{action: action, resource: resource, context: written(r)}}, nil
	}
	if action, known := s3Unversioned[c.action]; known {
		return []demand{{action: action, resource: resource, context: written(r)}}, nil
	}
	put := demand{action: "s3:PutObject", resource: resource, context: written(r)}
	switch c.action {
	case "PutObject", "PostMultipartUpload": // the second makes an object of its parts
		put.context["s3:ObjectCreationOperation"] = []string{"true"}
		return withTagging(r, put), nil
	case "PostMultipartUploads", "PutMultipartUpload":
		put.context["s3:ObjectCreationOperation"] = []string{"false"}
		return withTagging(r, put), nil
	case "CopyObject":
		put.context["s3:ObjectCreationOperation"] = []string{"true"}
		source, err := url.PathUnescape(strings.TrimPrefix(r.Header.Get("X-Amz-Copy-Source"), "/"))
		if err != nil {
			return nil, errUnmapped
		}
		source, version, _ := strings.Cut(source, "?")
		get := demand{action: "s3:GetObject", resource: "arn:aws:s3:::" + source}
		if version != "" {
			get.action += "Version"
		}
		return append([]demand{get}, withTagging(r, put)...), nil
	default:
		return nil, errUnmapped
	}
}

// withTagging adds the permission that an object with tags needs.
func withTagging(r *http.Request, put demand) []demand {
	demands := []demand{put}
	if r.Header.Get("X-Amz-Tagging") != "" {
		demands = append(demands, demand{action: "s3:PutObjectTagging", resource: put.resource, context: put.context})
	}
	return demands
}

// written returns the condition keys of a call about an object: what its headers say.
func written(r *http.Request) map[string][]string {
	values := map[string][]string{}
	for name, header := range r.Header {
		name = strings.ToLower(name)
		switch lock, isLock := strings.CutPrefix(name, "x-amz-object-lock-"); {
		case name == "if-match", name == "if-none-match", strings.HasPrefix(name, "x-amz-") && !isLock:
			values["s3:"+name] = header
		case isLock:
			values["s3:object-lock-"+lock] = header
		}
	}
	tags, err := url.ParseQuery(r.Header.Get("X-Amz-Tagging"))
	if err == nil {
		for name, value := range tags {
			values["s3:RequestObjectTag/"+name] = value
			values["s3:RequestObjectTagKeys"] = append(values["s3:RequestObjectTagKeys"], name)
		}
	}
	return values
}

// deletions returns the permissions for a call that deletes the objects named in its body.
func (g *Gateway) deletions(r *http.Request, bucket string) ([]demand, error) {
	var c call
	if err := c.readBody(r); err != nil {
		return nil, err
	}
	var in struct {
		Objects []struct {
			Key       string
			VersionID string `xml:"VersionId"`
		} `xml:"Object"`
	}
	if err := xml.Unmarshal(c.body, &in); err != nil {
		return nil, fmt.Errorf("read which objects to delete: %w", err)
	}
	var demands []demand
	for _, object := range in.Objects {
		d := demand{action: "s3:DeleteObject", resource: "arn:aws:s3:::" + bucket + "/" + object.Key}
		if object.VersionID != "" {
			d.action += "Version"
		}
		demands = append(demands, d)
	}
	return demands, nil
}

// refusedByBucket reports whether a bucket's policy denies a call of the account's owner. What it allows makes no
// difference to the owner.
func (g *Gateway) refusedByBucket(r *http.Request, c call) error {
	bucket, _ := bucketAndKey(r)
	if policies, err := g.bucketPolicyOf("arn:aws:s3:::" + bucket); err != nil || len(policies) == 0 {
		return err
	}
	if strings.HasSuffix(c.action, "BucketPolicy") { // the owner can always fix the policy
		return nil
	}
	demands, err := g.s3Demands(r, c, nil)
	if err != nil {
		return nil // the owner may make calls with unknown permissions, too
	}
	account, err := g.accountID(r.Context(), c.region)
	if err != nil {
		return err
	}
	for _, d := range demands {
		if err := g.deniedByBucket(d, c.region, account); err != nil {
			return err
		}
	}
	return nil
}

func (g *Gateway) deniedByBucket(d demand, region, account string) error {
	policies, err := g.bucketPolicyOf(d.resource)
	if err != nil {
		return err
	}
	root := "arn:aws:iam::" + account + ":root"
	if iamcheck.Evaluate(policies, iamcheck.Request{
		Action: d.action, Resource: d.resource, Context: withCommon(d.context, region, account, root),
		Principals: map[string][]string{"AWS": {root, account}},
	}) == iamcheck.ExplicitDeny {
		return &denial{fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %q with an explicit deny in a "+
			"resource-based policy", root, d.action, d.resource)}
	}
	return nil
}
