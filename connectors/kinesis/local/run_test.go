package local

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
)

func TestRunTest(t *testing.T) {
	RunTest(t)
	c, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "streams", len(ok(kinesis.NewFromConfig(c).ListStreams(t.Context(), &kinesis.ListStreamsInput{}))(t).StreamNames), 0)
	if _, err := Run(Options{Addr: "nowhere"}); err == nil {
		t.Error("a bad address is accepted")
	}
}

// The client of the command line against the server, with errors as the service gives them.
func TestClient(t *testing.T) {
	s := RunTest(t)
	c := &Client{Endpoint: s.URL()}
	ok(0, c.Call(t.Context(), "CreateStream", map[string]any{"StreamName": "s", "ShardCount": 1}, nil))(t)
	var reply struct{ StreamNames []string }
	ok(0, c.Call(t.Context(), "ListStreams", struct{}{}, &reply))(t)
	same(t, "streams", len(reply.StreamNames), 1)
	err, _ := c.Call(t.Context(), "DescribeStream", map[string]string{"StreamName": "x"}, nil).(*APIError)
	if err == nil || err.Code != "ResourceNotFoundException" || err.Status != 400 {
		t.Errorf("error %+v", err)
	}
}
