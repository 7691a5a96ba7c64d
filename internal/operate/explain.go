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

// AWS error codes by meaning.
var (
	expiredCodes = []string{"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
	invalidCodes = []string{
		"AuthFailure", "IncompleteSignature", "InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClientException",
	}
	deniedCodes = []string{"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
)

// Explain turns an error of the AWS SDK into one line: what failed, AWS's message, and what to do.
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
		return fmt.Sprintf("AWS profile %q does not exist; run aws configure list-profiles to see yours", profile.Profile)
	case errors.As(err, &api):
		return apiReason(api)
	case noCredentials(err):
		return "no AWS credentials found; sign in with aws sso login or set AWS_PROFILE, " +
			"and check with aws sts get-caller-identity"
	case errors.As(err, &network):
		return fmt.Sprintf("cannot reach AWS (%v); check the network, and AWS_ENDPOINT_URL if it is set", network)
	}
	return strings.ReplaceAll(err.Error(), "\n", " ")
}

func apiReason(api smithy.APIError) string {
	words := api.ErrorCode() + ": " + strings.ReplaceAll(api.ErrorMessage(), "\n", " ")
	switch {
	case slices.Contains(expiredCodes, api.ErrorCode()):
		return "the AWS credentials have expired; sign in again, for example with aws sso login"
	case slices.Contains(invalidCodes, api.ErrorCode()):
		return words + "; AWS rejects these credentials: check with aws sts get-caller-identity"
	case slices.Contains(deniedCodes, api.ErrorCode()):
		return words + "; ask for that permission or use another profile"
	}
	return words
}

// noCredentials reports whether the default chain found no credentials, or only a sign-in that has expired.
func noCredentials(err error) bool {
	text := err.Error()
	return strings.Contains(text, "get credentials") || strings.Contains(text, "refresh cached credentials") ||
		strings.Contains(text, "refresh cached SSO token")
}

// awsError shows one line and wraps the error that it explains.
type awsError struct {
	text string
	err  error
}

func (e *awsError) Error() string { return e.text }

func (e *awsError) Unwrap() error { return e.err }

// HasCode reports whether err is an AWS error with one of the codes.
func HasCode(err error, codes ...string) bool {
	var api smithy.APIError
	return errors.As(err, &api) && slices.Contains(codes, api.ErrorCode())
}
