package parameterhistory

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// pages answers with a page per call.
type pages struct {
	all  [][]types.ParameterHistory
	fail error
}

func (p *pages) GetParameterHistory(
	_ context.Context, in *ssm.GetParameterHistoryInput, _ ...func(*ssm.Options),
) (*ssm.GetParameterHistoryOutput, error) {
	if p.fail != nil {
		return nil, p.fail
	}
	at := len(aws.ToString(in.NextToken))
	out := &ssm.GetParameterHistoryOutput{Parameters: p.all[at]}
	if at+1 < len(p.all) {
		out.NextToken = aws.String(strings.Repeat("x", at+1))
	}
	return out, nil
}

func version(n int64, value string) types.ParameterHistory {
	return types.ParameterHistory{Version: n, Value: &value}
}

func TestRead(t *testing.T) {
	t.Parallel()
	api := &pages{all: [][]types.ParameterHistory{{version(1, "a"), version(2, "b")}, {version(10, "d"), version(9, "c")}}}
	if got, err := Read(t.Context(), api, "/p"); err != nil || !slices.Equal(got, []string{"d", "c", "b", "a"}) {
		t.Errorf("got %v, %v", got, err)
	}
	api.fail = &types.ParameterNotFound{}
	if got, err := Read(t.Context(), api, "/p"); err != nil || got != nil {
		t.Errorf("without a parameter: %v, %v", got, err)
	}
	api.fail = errors.New("throttled")
	if _, err := Read(t.Context(), api, "/p"); err == nil || !strings.Contains(err.Error(), "/p: throttled") {
		t.Errorf("got error %v", err)
	}
}
