package docker

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
)

// Credentials returns "user:password" for a registry, such as "docker.io"; "" if it needs none.
type Credentials func(ctx context.Context, registry string) (string, error)

var ecrRE = regexp.MustCompile(`^[0-9]{12}\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$`)

// ECRRegion returns the region of an ECR registry, "" for every other registry.
func ECRRegion(registry string) string {
	if match := ecrRE.FindStringSubmatch(registry); match != nil {
		return match[1]
	}
	return ""
}

// ECR returns credentials for the ECR registries that the AWS credentials in cfg may read, and none for others.
func ECR(cfg aws.Config) Credentials {
	return func(ctx context.Context, registry string) (string, error) {
		region := ECRRegion(registry)
		if region == "" {
			return "", nil
		}
		client := ecr.NewFromConfig(cfg, func(o *ecr.Options) { o.Region = region })
		out, err := client.GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{})
		if err != nil {
			return "", fmt.Errorf("ask ECR for a token: %w", err)
		}
		if len(out.AuthorizationData) == 0 {
			return "", errors.New("ask ECR for a token: the response has no token")
		}
		secret, err := base64.StdEncoding.DecodeString(aws.ToString(out.AuthorizationData[0].AuthorizationToken))
		if err != nil {
			return "", errors.New("ask ECR for a token: the token is not valid base64")
		}
		return string(secret), nil
	}
}
