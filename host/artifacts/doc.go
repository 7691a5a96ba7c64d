// Package artifacts reads the artifacts bucket of the stack from S3. It takes credentials and settings from where the
// AWS SDK takes them: environment, files and instance metadata; on a host, from the role of the instance. If
// AWS_ENDPOINT_URL is set, it uses that endpoint and puts the bucket's name into the path.
package artifacts
