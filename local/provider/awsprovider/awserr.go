package awsprovider

import (
	"errors"
	"fmt"
	"slices"

	"github.com/aws/smithy-go"

	"webstack/local/provider"
)

// hasCode tells whether err is an API error with one of these codes.
func hasCode(err error, codes ...string) bool {
	var api smithy.APIError
	return errors.As(err, &api) && slices.Contains(codes, api.ErrorCode())
}

// gone turns an API error with one of these codes into provider.ErrGone.
func gone(err error, codes ...string) error {
	if hasCode(err, codes...) {
		return fmt.Errorf("%w: %w", provider.ErrGone, err)
	}
	return err
}

// unlessGone drops an API error with one of these codes: what is to be deleted is gone already.
func unlessGone(err error, codes ...string) error {
	if hasCode(err, codes...) {
		return nil
	}
	return err
}
