package aws

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

func TestClassify(t *testing.T) {
	api := func(code string, fault smithy.ErrorFault, status int) error {
		return &smithy.OperationError{ServiceID: "Kinesis", OperationName: "GetRecords", Err: &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}},
			Err:      &smithy.GenericAPIError{Code: code, Message: "why", Fault: fault},
		}}}
	}
	f := func(err error, want Class, network bool) {
		t.Helper()
		if got := Classify(err); got != want {
			t.Errorf("%v is of class %d, want %d", err, got, want)
		}
		if got := Classify(Explain("reading", err)); got != want {
			t.Errorf("explained, %v is of class %d, want %d", err, got, want)
		}
		if got := IsNetwork(err); got != network {
			t.Errorf("%v: network %v", err, got)
		}
		if again := Explain("twice", Explain("reading", err)); !strings.HasPrefix(again.Error(), "reading: ") || !errors.Is(again, err) {
			t.Errorf("explained twice: %v", again)
		}
	}
	f(api("ProvisionedThroughputExceededException", smithy.FaultClient, 400), Throttled, false)
	f(api("KMSThrottlingException", smithy.FaultClient, 400), Throttled, false)
	f(api("LimitExceededException", smithy.FaultClient, 400), Throttled, false)
	f(api("UnknownError", smithy.FaultUnknown, 429), Throttled, false)
	f(api("InternalFailure", smithy.FaultUnknown, 500), Retryable, false)
	f(api("UnknownError", smithy.FaultUnknown, 502), Retryable, false)
	f(api("ResourceInUseException", smithy.FaultClient, 400), Retryable, false)
	f(api("ResourceNotFoundException", smithy.FaultClient, 400), Fatal, false)
	f(api("AccessDeniedException", smithy.FaultClient, 400), Fatal, false)
	f(api("ValidationException", smithy.FaultUnknown, 400), Fatal, false)
	f(errors.New("dial tcp 127.0.0.1:1: connect: connection refused"), Retryable, true)
	f(errors.New("get identity: get credentials: failed to refresh cached credentials, no EC2 IMDS role found"), Fatal, false)
	f(errors.New("http: server gave HTTP response to HTTPS client"), Fatal, false)
	f(fmt.Errorf("canceled, %w", context.Canceled), Retryable, false)
	f(fmt.Errorf("get credentials: %w", context.Canceled), Retryable, false)
}

func TestLoopback(t *testing.T) {
	for endpoint, want := range map[string]bool{"http://127.0.0.1:4567": true, "http://localhost:1": true, "http://[::1]:1": true,
		"": false, "https://kinesis.us-east-1.amazonaws.com": false, "http://10.0.0.1": false, "://": false} {
		if got := Loopback(endpoint); got != want {
			t.Errorf("%q: %v", endpoint, got)
		}
	}
}
