package local

import (
	"context"
	"errors"
	"time"
)

// Run opens and starts a server; an empty Addr takes a free port. The zero Options are a server in memory.
func Run(opts Options) (*Server, error) {
	orDefault(&opts.Addr, "127.0.0.1:0")
	s, err := Open(opts)
	if err != nil {
		return nil, err
	}
	if err := s.Start(); err != nil {
		return nil, errors.Join(err, s.Close(context.Background()))
	}
	return s, nil
}

// TB is what RunTest needs of a *testing.T or *testing.B.
type TB interface {
	Helper()
	Fatal(args ...any)
	Error(args ...any)
	Cleanup(func())
	Setenv(key, value string)
}

// RunTest runs a server in memory until the end of the test and points the AWS SDKs of this process at it: with
// local.RunTest(t), config.LoadDefaultConfig and kinesis.NewFromConfig reach it. It sets the environment, so it is
// not for parallel tests; those use Run.
func RunTest(t TB) *Server {
	t.Helper()
	s, err := Run(Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	for key, value := range map[string]string{"AWS_ENDPOINT_URL_KINESIS": s.URL(), "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
		"AWS_SESSION_TOKEN": "", "AWS_REGION": s.opts.Region, "AWS_PROFILE": "", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"} {
		t.Setenv(key, value)
	}
	return s
}
