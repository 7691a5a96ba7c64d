// Package parameterhistory reads the values that a parameter of Parameter Store had.
package parameterhistory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// Read returns the values that a String had, the newest first; none if the parameter does not exist.
func Read(ctx context.Context, api ssm.GetParameterHistoryAPIClient, name string) ([]string, error) {
	var all []types.ParameterHistory
	pages := ssm.NewGetParameterHistoryPaginator(api, &ssm.GetParameterHistoryInput{Name: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		var missing *types.ParameterNotFound
		if errors.As(err, &missing) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the history of parameter %s: %w", name, err)
		}
		all = append(all, page.Parameters...)
	}
	slices.SortStableFunc(all, func(a, b types.ParameterHistory) int { return cmp.Compare(b.Version, a.Version) })
	var values []string
	for _, p := range all {
		values = append(values, aws.ToString(p.Value))
	}
	return values, nil
}
