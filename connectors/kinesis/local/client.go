package local

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

const maxReplyBytes = 64 << 20

// Client calls the Kinesis API by operation name, for tools which need no SDK. It takes its keys from the environment
// variables which all AWS tools read, or signs with made-up ones. The zero value with an Endpoint is ready.
type Client struct {
	Endpoint string // as in http://127.0.0.1:4567
	Region   string // default AWS_REGION, AWS_DEFAULT_REGION or us-east-1
	HTTP     *http.Client
}

// APIError is what the service answered instead of a result.
type APIError struct {
	Code    string
	Message string
	Status  int
}

// Error gives the code and the message.
func (e *APIError) Error() string { return e.Code + ": " + e.Message }

// Call sends one operation; request and response are anything that encoding/json takes. A nil response is dropped.
func (c *Client) Call(ctx context.Context, operation string, request, response any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(c.Endpoint, "/")+"/", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("endpoint %q: %w", c.Endpoint, err)
	}
	r.Header.Set("Content-Type", jsonContentType)
	r.Header.Set("X-Amz-Target", targetPrefix+operation)
	region := cmp.Or(c.Region, os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"), "us-east-1")
	key, secret, token := os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN")
	if key == "" || secret == "" {
		key, secret, token = "local", "local", ""
	}
	if err := sign(r, body, key, secret, token, region, time.Now()); err != nil {
		return err
	}
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	reply, err := client.Do(r)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(io.LimitReader(reply.Body, maxReplyBytes))
	if err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	if reply.StatusCode != http.StatusOK {
		return errorOf(reply.StatusCode, text)
	}
	if response == nil || len(text) == 0 {
		return nil
	}
	if err := json.Unmarshal(text, response); err != nil {
		return fmt.Errorf("%s: the answer is not that of Kinesis: %w", operation, err)
	}
	return nil
}

func errorOf(status int, text []byte) error {
	var shape errorShape
	if json.Unmarshal(text, &shape) != nil || shape.Type == "" {
		return &APIError{Code: "HTTP " + http.StatusText(status), Message: clip(string(text)), Status: status}
	}
	// The service may put a namespace before the name.
	return &APIError{Code: shape.Type[strings.LastIndexByte(shape.Type, '#')+1:], Message: shape.Message, Status: status}
}
