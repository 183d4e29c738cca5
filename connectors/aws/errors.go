package aws

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/smithy-go"
)

// Class says what to do about an error of a call.
type Class uint8

// The classes.
const (
	Fatal     Class = iota // the user must change something
	Retryable              // the network or the service; try again
	Throttled              // too fast; wait, then try again
)

// Classify sorts an error of an AWS call. Errors without a code are the network's.
func Classify(err error) Class {
	var api smithy.APIError
	if !errors.As(err, &api) {
		if isCredentialError(err) {
			return Fatal
		}
		return Retryable
	}
	switch code := api.ErrorCode(); {
	case strings.Contains(code, "Throughput"), strings.Contains(code, "Throttl"), code == "LimitExceededException", code == "TooManyRequestsException":
		return Throttled
	case strings.Contains(code, "Internal"), strings.Contains(code, "Unavailable"), code == "ResourceInUseException", strings.Contains(code, "Timeout"):
		return Retryable
	case api.ErrorFault() == smithy.FaultServer:
		return Retryable
	}
	return Fatal
}

func isCredentialError(err error) bool {
	text := err.Error()
	return strings.Contains(text, "get credentials") || strings.Contains(text, "retrieve credentials") || strings.Contains(text, "no EC2 IMDS role") || strings.Contains(text, "failed to refresh cached credentials")
}

// Explain gives an error of a call a text a person can act on. what is as `reading stream "orders"`.
func Explain(what string, err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		if isCredentialError(err) {
			return fmt.Errorf("%s: no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or 'aws.credentials.provider' on the table", what)
		}
		return fmt.Errorf("%s: %w", what, err)
	}
	switch api.ErrorCode() {
	case "UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "IncompleteSignatureException", "MissingAuthenticationTokenException", "SignatureDoesNotMatch":
		return fmt.Errorf("%s: AWS does not accept the credentials (%s): check the access key, the secret key and the region", what, api.ErrorCode())
	case "ExpiredTokenException", "ExpiredToken":
		return fmt.Errorf("%s: the AWS credentials have expired: sign in again", what)
	case "AccessDeniedException", "AccessDenied":
		return fmt.Errorf("%s: AWS refuses it: %s", what, api.ErrorMessage())
	}
	return fmt.Errorf("%s: %s: %s", what, api.ErrorCode(), api.ErrorMessage())
}
