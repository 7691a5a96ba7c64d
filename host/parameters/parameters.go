// Package parameters reads from Parameter Store what the host's role may read: everything below the stack's own path,
// and the apps' own certificates by their names. It writes the releases and deploys of the apps. It takes credentials and
// settings from where the AWS SDK takes them: environment, files and instance metadata. If AWS_ENDPOINT_URL is set, it
// uses that endpoint.
package parameters

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"

	"webstack/internal/parameterhistory"
)

// batch is the maximum number of parameters in a request or an answer.
const batch = 10

// attempts and longestPause are enough for the limit of 40 requests per second, which the whole account shares.
const (
	attempts     = 12
	longestPause = 10 * time.Second
)

// Store is the Parameter Store of a region.
type Store struct{ client *ssm.Client }

// Open prepares to read. If region is "", it is taken from the environment or, on an instance, from its metadata.
func Open(ctx context.Context, region string) (*Store, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(region), config.WithEC2IMDSRegion(),
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.MaxAttempts, o.MaxBackoff = attempts, longestPause
			})
		}))
	if err != nil {
		return nil, fmt.Errorf("load AWS settings: %w; outside an EC2 instance, set --region and AWS credentials", err)
	}
	return &Store{client: ssm.NewFromConfig(cfg)}, nil
}

// ByPath reads all parameters below a path, by their full names. Secrets are decrypted.
func (s *Store) ByPath(ctx context.Context, path string) (map[string]string, error) {
	found := map[string]string{}
	pages := ssm.NewGetParametersByPathPaginator(s.client, &ssm.GetParametersByPathInput{
		Path: aws.String(path), Recursive: aws.Bool(true), WithDecryption: aws.Bool(true), MaxResults: aws.Int32(batch),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the parameters below %s: %w", path, err)
		}
		collect(found, page.Parameters)
	}
	return found, nil
}

// ByName reads parameters by their names. It leaves out those that do not exist. If some cannot be read, for example
// because the host may not use their key, it still returns the others, and failed says why, by name. The error is for
// problems that affect all of them.
func (s *Store) ByName(ctx context.Context, names []string) (found map[string]string, failed map[string]error, err error) {
	found, failed = map[string]string{}, map[string]error{}
	for part := range slices.Chunk(names, batch) {
		err := s.read(ctx, part, found)
		if err == nil {
			continue
		}
		if !isRefusal(err) {
			return nil, nil, fmt.Errorf("read parameters: %w", err)
		}
		// A request is refused as a whole: ask for each separately.
		for _, name := range part {
			if err := s.read(ctx, []string{name}, found); err != nil {
				if !isRefusal(err) {
					return nil, nil, fmt.Errorf("read parameter %s: %w", name, err)
				}
				failed[name] = fmt.Errorf("read parameter %s: %w", name, err)
			}
		}
	}
	return found, failed, nil
}

func (s *Store) read(ctx context.Context, names []string, found map[string]string) error {
	out, err := s.client.GetParameters(ctx, &ssm.GetParametersInput{Names: names, WithDecryption: aws.Bool(true)})
	if err != nil {
		return err
	}
	collect(found, out.Parameters)
	return nil
}

// Put writes a String. The parameter may exist already.
func (s *Store) Put(ctx context.Context, name, value string) error {
	_, err := s.client.PutParameter(ctx, &ssm.PutParameterInput{
		Name: aws.String(name), Value: aws.String(value), Type: types.ParameterTypeString, Overwrite: aws.Bool(true),
	})
	if err != nil {
		return fmt.Errorf("write parameter %s: %w", name, err)
	}
	return nil
}

// History returns the values that a String had, the newest first; none if it does not exist.
func (s *Store) History(ctx context.Context, name string) ([]string, error) {
	return parameterhistory.Read(ctx, s.client, name)
}

func collect(into map[string]string, found []types.Parameter) {
	for _, p := range found {
		into[aws.ToString(p.Name)] = aws.ToString(p.Value)
	}
}

// isRefusal reports whether the service refuses these parameters, for example because a key is missing, but may return
// others.
func isRefusal(err error) bool {
	var answer smithy.APIError
	return errors.As(err, &answer) && slices.Contains([]string{
		"AccessDeniedException", "InvalidKeyId", "ValidationException",
	}, answer.ErrorCode())
}
