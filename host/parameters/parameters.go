// Package parameters reads Parameter Store as the host's role may: everything below the stack's own path, and the apps'
// own certificates by their names. It reads the environment, files and instance metadata that the AWS SDK reads; with
// AWS_ENDPOINT_URL set it talks to that endpoint.
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
)

// batch is how many parameters one request may ask for or answer.
const batch = 10

// attempts and longestPause outlast the limit of 40 requests a second, which is shared by all of the account.
const (
	attempts     = 12
	longestPause = 10 * time.Second
)

// Store is the Parameter Store of a region.
type Store struct{ client *ssm.Client }

// Open prepares to read. The region is taken from the environment, and on an instance from its metadata, when it is "".
func Open(ctx context.Context, region string) (*Store, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(region), config.WithEC2IMDSRegion(),
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.MaxAttempts, o.MaxBackoff = attempts, longestPause
			})
		}))
	if err != nil {
		return nil, fmt.Errorf("load AWS settings: %w; where this is no instance, give --region and credentials", err)
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

// ByName reads parameters by their names. One that does not exist is left out. When some cannot be read, such as for a
// key that the host may not use, the rest is returned all the same, and failed says why, by name. The error is for
// what concerns all of them.
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
		// A request is refused as a whole: ask for each alone.
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

func collect(into map[string]string, found []types.Parameter) {
	for _, p := range found {
		into[aws.ToString(p.Name)] = aws.ToString(p.Value)
	}
}

// isRefusal tells whether the service will not give what was asked for, such as for lack of a key, and would give
// something else.
func isRefusal(err error) bool {
	var answer smithy.APIError
	return errors.As(err, &answer) && slices.Contains([]string{
		"AccessDeniedException", "InvalidKeyId", "ValidationException",
	}, answer.ErrorCode())
}
