package awsprovider

import (
	"errors"
	"fmt"
	"slices"

	"github.com/aws/smithy-go"

	"webstack/local/provider"
)

// hasCode reports whether err is an API error with one of these codes.
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

// isGone reports whether err says that the resource does not exist.
func isGone(err error) bool { return errors.Is(err, provider.ErrGone) }

// unlessGone drops an API error with one of these codes: the resource to delete is already gone.
func unlessGone(err error, codes ...string) error {
	if hasCode(err, codes...) {
		return nil
	}
	return err
}

// first returns the first result of a describe call, or provider.ErrGone if there is none.
func first[T any](found []T) (T, error) {
	if len(found) == 0 {
		var none T
		return none, provider.ErrGone
	}
	return found[0], nil
}
