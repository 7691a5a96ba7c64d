// Package artifacts reads the artifacts bucket of the stack from S3. It reads the environment, files and instance
// metadata that the AWS SDK reads; on a host that is the role of the instance. With AWS_ENDPOINT_URL set it talks to
// that endpoint and puts the bucket's name into the path.
package artifacts
