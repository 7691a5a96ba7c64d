package gateway

import (
	"net/http"
	"slices"
	"strings"
)

var s3Handlers = map[string]handler{
	"DeleteBucket":        (*Gateway).deleteBucket,
	"PutBucketPolicy":     (*Gateway).bucketPolicy,
	"GetBucketPolicy":     (*Gateway).bucketPolicy,
	"DeleteBucketPolicy":  (*Gateway).bucketPolicy,
	"PostMultipartUpload": (*Gateway).completeUpload,
}

// s3Verbs are the first words of the names of S3's actions, by method.
var s3Verbs = map[string]string{
	http.MethodGet: "Get", http.MethodPut: "Put", http.MethodDelete: "Delete", http.MethodHead: "Head",
	http.MethodPost: "Post",
}

// s3Subresources are the parts of a bucket or an object that a query can name, as in the names of actions.
var s3Subresources = map[string]string{
	"policy": "BucketPolicy", "versioning": "BucketVersioning", "encryption": "BucketEncryption",
	"lifecycle": "BucketLifecycleConfiguration", "publicAccessBlock": "PublicAccessBlock",
	"ownershipControls": "BucketOwnershipControls", "tagging": "Tagging", "acl": "Acl", "location": "BucketLocation",
	"retention": "Retention", "legal-hold": "LegalHold", "object-lock": "ObjectLock", "replication": "BucketReplication", "versions": "ObjectVersions",
	"uploads": "MultipartUploads", "uploadId": "MultipartUpload", "delete": "Objects",
}

// s3Action returns the action of a path-style request to S3, the only style that reaches an endpoint without a domain.
// Rare actions get a name close to AWS's.
func s3Action(r *http.Request) string {
	verb := s3Verbs[r.Method]
	bucket, key := bucketAndKey(r)
	var parts []string
	for name := range r.URL.Query() {
		if part, ok := s3Subresources[name]; ok {
			parts = append(parts, part)
		} else if !isParameter(name) {
			parts = append(parts, name) // an unknown part of a bucket
		}
	}
	switch {
	case len(parts) > 0:
		return verb + slices.Min(parts)
	case bucket == "":
		return "ListBuckets"
	case key != "" && r.Header.Get("X-Amz-Copy-Source") != "":
		return "CopyObject"
	case key != "":
		return verb + "Object"
	case r.Method == http.MethodGet:
		return "ListObjects"
	case r.Method == http.MethodPut:
		return "CreateBucket"
	default:
		return verb + "Bucket"
	}
}

// s3Parameters are the other parameters of a query: how to list, which version, which part of an upload.
var s3Parameters = []string{
	"list-type", "prefix", "delimiter", "max-keys", "marker", "start-after", "continuation-token", "encoding-type",
	"fetch-owner", "versionId", "partNumber", "x-id", "key-marker", "version-id-marker", "upload-id-marker", "max-uploads",
	"max-parts", "part-number-marker", "max-buckets", "bucket-region", "AWSAccessKeyId", "Signature", "Expires",
}

func isParameter(name string) bool {
	lower := strings.ToLower(name)
	return slices.Contains(s3Parameters, name) || strings.HasPrefix(lower, "x-amz-") || strings.HasPrefix(lower, "response-")
}

func bucketAndKey(r *http.Request) (bucket, key string) {
	bucket, key, _ = strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	return bucket, key
}

// deleteBucket forgets the policy with the bucket.
func (g *Gateway) deleteBucket(w http.ResponseWriter, r *http.Request, _ call) {
	g.moto.ServeHTTP(w, r)
	if recorded, ok := w.(*statusRecorder); ok && recorded.status == http.StatusNoContent {
		bucket, _ := bucketAndKey(r)
		g.state.forgetPolicy(bucket)
	}
}

// completeUpload refuses to overwrite an object if the request says so. For single uploads moto does that.
func (g *Gateway) completeUpload(w http.ResponseWriter, r *http.Request, c call) {
	if r.Header.Get("If-None-Match") == "*" {
		head, err := g.send(r, call{service: "s3", action: "HeadObject"}, http.MethodHead, r.URL.EscapedPath(), http.Header{}, nil)
		if err != nil {
			c.unavailable(w, err)
			return
		}
		if head.ok() {
			c.fail(w, http.StatusPreconditionFailed, "PreconditionFailed",
				"At least one of the pre-conditions you specified did not hold")
			return
		}
	}
	g.moto.ServeHTTP(w, r)
}
