package operate

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go"
)

// Codes of AWS's errors by what they mean.
var (
	expiredCodes = []string{"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
	invalidCodes = []string{
		"AuthFailure", "IncompleteSignature", "InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClientException",
	}
	deniedCodes = []string{"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
)

// Explain makes one line of an error of the AWS SDK: what failed, AWS's own words, and what to do.
func Explain(doing string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return &awsError{text: doing + ": " + reason(err), err: err}
}

func reason(err error) string {
	var api smithy.APIError
	var profile awsconfig.SharedConfigProfileNotExistError
	var network net.Error
	switch {
	case errors.As(err, &profile):
		return fmt.Sprintf("there is no AWS profile %q; see aws configure list-profiles", profile.Profile)
	case errors.As(err, &api):
		return apiReason(api)
	case noCredentials(err):
		return "there are no AWS credentials; sign in with aws sso login or set AWS_PROFILE, " +
			"and check with aws sts get-caller-identity"
	case errors.As(err, &network):
		return fmt.Sprintf("AWS cannot be reached (%v); check the network, and AWS_ENDPOINT_URL where it is set", network)
	}
	return strings.ReplaceAll(err.Error(), "\n", " ")
}

func apiReason(api smithy.APIError) string {
	words := api.ErrorCode() + ": " + strings.ReplaceAll(api.ErrorMessage(), "\n", " ")
	switch {
	case slices.Contains(expiredCodes, api.ErrorCode()):
		return "the AWS credentials have expired; sign in again, such as with aws sso login"
	case slices.Contains(invalidCodes, api.ErrorCode()):
		return words + "; AWS does not accept these credentials: check with aws sts get-caller-identity"
	case slices.Contains(deniedCodes, api.ErrorCode()):
		return words + "; ask for that permission, or use another profile"
	}
	return words
}

// noCredentials tells whether the default chain came to its end, or stopped at a sign-in that is over.
func noCredentials(err error) bool {
	text := err.Error()
	return strings.Contains(text, "get credentials") || strings.Contains(text, "refresh cached credentials") ||
		strings.Contains(text, "refresh cached SSO token")
}

// awsError shows one line and keeps the error that it explains.
type awsError struct {
	text string
	err  error
}

func (e *awsError) Error() string { return e.text }

func (e *awsError) Unwrap() error { return e.err }

// HasCode tells whether err is AWS's, with one of the codes.
func HasCode(err error, codes ...string) bool {
	var api smithy.APIError
	return errors.As(err, &api) && slices.Contains(codes, api.ErrorCode())
}
