package samples

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"webstack/contract"
	"webstack/internal/operate"
	"webstack/local/images"
)

// parametersAtOnce is the most that GetParameters takes.
const parametersAtOnce = 10

// Unreleased returns the names of the apps that have no release yet, sorted.
func Unreleased(ctx context.Context, s *operate.Stack) ([]string, error) {
	client, apps := ssm.NewFromConfig(s.AWS), map[string]string{} // by their parameter
	for _, app := range s.Config.Apps {
		apps[contract.AppReleaseParam(contract.BasePath(s.Project, s.Name), app.Name)] = app.Name
	}
	var out []string
	for names := range slices.Chunk(slices.Sorted(maps.Keys(apps)), parametersAtOnce) {
		found, err := client.GetParameters(ctx, &ssm.GetParametersInput{Names: names})
		if err != nil {
			return nil, fmt.Errorf("read the releases of the apps: %w", err)
		}
		for _, missing := range found.InvalidParameters {
			out = append(out, apps[missing])
		}
		for _, p := range found.Parameters {
			if aws.ToString(p.Value) == contract.NoRelease {
				out = append(out, apps[aws.ToString(p.Name)])
			}
		}
	}
	slices.Sort(out)
	return out, nil
}

// Release pushes image to the repositories of the apps, at registry ("host:port"), as tag, and has each deployed; see
// Deploy. repositories has each app's repository by the name it has on a host, including the registry.
func Release(
	ctx context.Context, s *operate.Stack, apps []string, repositories map[string]string, registry string,
	image v1.Image, tag string, deploy func(ctx context.Context, app, tag string) error,
) error {
	user, password, err := login(ctx, s)
	if err != nil {
		return err
	}
	for _, app := range apps {
		_, repository, ok := strings.Cut(repositories[app], "/")
		if !ok {
			return fmt.Errorf("release the demo app as %s: the stack has no image repository for it", app)
		}
		if _, err := images.Push(ctx, image, registry, repository, tag, user, password); err != nil {
			return fmt.Errorf("release the demo app as %s: %w", app, err)
		}
		if err := deploy(ctx, app, tag); err != nil {
			return fmt.Errorf("release the demo app as %s: %w", app, err)
		}
	}
	return nil
}

// Deploy deploys a release of an app on the stack's host. Its error has what the host said.
func Deploy(ctx context.Context, s *operate.Stack, app, release string) error {
	host, err := s.Reachable(ctx)
	if err != nil {
		return err
	}
	var said strings.Builder
	if _, err := s.Deploy(ctx, host, operate.DeployOptions{App: app, Release: release}, &said); err != nil {
		return fmt.Errorf("%w\n%s", err, said.String())
	}
	return nil
}

// login gets the user name and password for docker login.
func login(ctx context.Context, s *operate.Stack) (user, password string, err error) {
	out, err := ecr.NewFromConfig(s.AWS).GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{})
	if err != nil {
		return "", "", fmt.Errorf("log in to the image registry: %w", err)
	}
	if len(out.AuthorizationData) != 1 {
		return "", "", fmt.Errorf("log in to the image registry: got %d tokens", len(out.AuthorizationData))
	}
	token, err := base64.StdEncoding.DecodeString(aws.ToString(out.AuthorizationData[0].AuthorizationToken))
	if err != nil {
		return "", "", fmt.Errorf("log in to the image registry: read the token: %w", err)
	}
	user, password, _ = strings.Cut(string(token), ":")
	return user, password, nil
}
