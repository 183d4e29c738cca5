package aws

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
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

// Classify sorts an error of an AWS call, explained or not. Errors without a code are the network's.
func Classify(err error) Class {
	if known := new(explained); errors.As(err, &known) {
		return known.class
	}
	if isCredentialError(err) || isTLSError(err) {
		return Fatal
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
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
	// A proxy or a load balancer answers for the service: no code that means anything, but a status.
	switch code := status(err); {
	case code == http.StatusTooManyRequests:
		return Throttled
	case code >= 500, code == http.StatusRequestTimeout:
		return Retryable
	}
	return Fatal
}

// status is that of the HTTP answer; 0: there was none.
func status(err error) int {
	var reply *awshttp.ResponseError
	if errors.As(err, &reply) {
		return reply.HTTPStatusCode()
	}
	return 0
}

// IsNetwork tells whether no answer came: the server is away, or unknown.
func IsNetwork(err error) bool {
	return Classify(err) == Retryable && !errors.As(err, new(smithy.APIError)) && status(err) == 0 &&
		!errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}

func isCredentialError(err error) bool {
	text := err.Error()
	for _, part := range []string{"get credentials", "retrieve credentials", "no EC2 IMDS role", "failed to refresh cached credentials", "failed to get shared config profile"} {
		if strings.Contains(text, part) {
			return !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
		}
	}
	return false
}

func isTLSError(err error) bool {
	return errors.As(err, new(*tls.CertificateVerificationError)) || errors.As(err, new(x509.UnknownAuthorityError)) ||
		errors.As(err, new(x509.HostnameError)) || errors.As(err, new(tls.RecordHeaderError)) ||
		strings.Contains(err.Error(), "server gave HTTP response to HTTPS client")
}

// explained is an error with a text for people, and the class that it had.
type explained struct {
	text  string
	err   error
	class Class
}

func (e *explained) Error() string { return e.text }

// Unwrap gives the error as the SDK gave it.
func (e *explained) Unwrap() error { return e.err }

// Explained gives an error another text, and keeps its class.
func Explained(err error, format string, args ...any) error {
	return &explained{fmt.Sprintf(format, args...), err, Classify(err)}
}

// Explain gives an error of a call a text a person can act on. what is as `reading stream "orders"`.
func Explain(what string, err error) error {
	if already := new(explained); errors.As(err, &already) {
		return err
	}
	var api smithy.APIError
	coded := errors.As(err, &api)
	switch {
	case coded && refusesCredentials(api.ErrorCode()):
		return Explained(err, "%s: AWS does not accept the credentials (%s): check the access key, the secret key and the region", what, api.ErrorCode())
	case coded && (api.ErrorCode() == "ExpiredTokenException" || api.ErrorCode() == "ExpiredToken"):
		return Explained(err, "%s: the AWS credentials have expired: sign in again", what)
	case coded && (api.ErrorCode() == "AccessDeniedException" || api.ErrorCode() == "AccessDenied"):
		return Explained(err, "%s: AWS refuses it: %s", what, api.ErrorMessage())
	case isCredentialError(err):
		return Explained(err, "%s: no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or 'aws.credentials.provider' on the table", what)
	case coded:
		return Explained(err, "%s: %s: %s", what, api.ErrorCode(), api.ErrorMessage())
	case isTLSError(err):
		return Explained(err, "%s: %s: check that 'aws.endpoint' begins with http:// or https:// as its server does, and that its certificate is trusted (AWS_CA_BUNDLE names others)", what, Root(err))
	}
	return Explained(err, "%s: %s", what, Root(err))
}

func refusesCredentials(code string) bool {
	switch code {
	case "UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "IncompleteSignatureException",
		"IncompleteSignature", "MissingAuthenticationTokenException", "MissingAuthenticationToken", "SignatureDoesNotMatch":
		return true
	}
	return false
}

// Root is the text of an error without the layers of the SDK around it.
func Root(err error) string {
	text := err.Error()
	if _, rest, ok := strings.Cut(text, "request send failed, "); ok {
		text = rest
	}
	return text
}
