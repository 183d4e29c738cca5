package jobserver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"weir/exec/job"
	"weir/internal/session"
)

// Client speaks to a server's own API. It is a session.JobService, safe for concurrent use.
type Client struct {
	URL   string // http://127.0.0.1:8081
	Token string
	HTTP  *http.Client // nil: one without a limit of time: stops wait for savepoints
}

var _ session.JobService = (*Client)(nil)

// NewClient makes a client; the address may lack http://.
func NewClient(address, token string) (*Client, error) {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("%q is no address of a server: want http://HOST:PORT", address)
	}
	return &Client{URL: strings.TrimRight(address, "/"), Token: token}, nil
}

// do sends a request; to takes the answer. Errors name the server.
func (c *Client) do(ctx context.Context, method, path string, send, to any) error {
	var in io.Reader
	if send != nil {
		data, err := json.Marshal(send)
		if err != nil {
			return err
		}
		in = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.URL+path, in)
	if err != nil {
		return err
	}
	if send != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	res, err := client.Do(req)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("there is no server at %s: start one with 'weir server', or name another with --server", c.URL)
	case err != nil:
		return fmt.Errorf("server at %s: %w", c.URL, err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
	if err != nil {
		return fmt.Errorf("server at %s: %w", c.URL, err)
	}
	if res.StatusCode >= 400 {
		return c.problem(res, data, to)
	}
	if to == nil {
		return nil
	}
	if err := json.Unmarshal(data, to); err != nil {
		return fmt.Errorf("server at %s: what it answers is not weir's: %w", c.URL, err)
	}
	return nil
}

// problem makes an error of an answer; what of the answer is of use goes to to.
func (c *Client) problem(res *http.Response, data []byte, to any) error {
	var p problem
	if json.Unmarshal(data, &p) != nil || len(p.Errors) == 0 {
		return fmt.Errorf("server at %s: %s", c.URL, res.Status)
	}
	if to != nil {
		_ = json.Unmarshal(data, to) // the errors are told either way
	}
	return errors.New(strings.Join(p.Errors, "\n"))
}

// SubmitSQL runs a script at the server; its INSERTs become jobs. With an error, jobs that run all the same are
// in what it gives.
func (c *Client) SubmitSQL(ctx context.Context, text string, settings map[string]string) (Submitted, error) {
	var out Submitted
	err := c.do(ctx, "POST", "/api/v1/jobs", Submission{SQL: text, Settings: settings}, &out)
	return out, err
}

// Submit starts a job.
func (c *Client) Submit(ctx context.Context, p job.Program) (session.JobInfo, error) {
	var out Submitted
	if err := c.do(ctx, "POST", "/api/v1/jobs", Submission{Program: &p}, &out); err != nil {
		return session.JobInfo{}, err
	}
	if len(out.Jobs) != 1 {
		return session.JobInfo{}, fmt.Errorf("server at %s started %d jobs, not one", c.URL, len(out.Jobs))
	}
	return out.Jobs[0], nil
}

// Jobs lists the jobs, oldest first.
func (c *Client) Jobs(ctx context.Context) ([]session.JobInfo, error) {
	var out Submitted
	err := c.do(ctx, "GET", "/api/v1/jobs", nil, &out)
	return out.Jobs, err
}

func jobPath(id string) string { return "/api/v1/jobs/" + url.PathEscape(id) }

// Job finds a job.
func (c *Client) Job(ctx context.Context, id string) (session.JobInfo, error) {
	var out session.JobInfo
	err := c.do(ctx, "GET", jobPath(id), nil, &out)
	return out, err
}

// Details gives all there is to know of a job.
func (c *Client) Details(ctx context.Context, id string) (Details, error) {
	var out Details
	err := c.do(ctx, "GET", jobPath(id), nil, &out)
	return out, err
}

// Stop ends a job.
func (c *Client) Stop(ctx context.Context, id string, savepoint, drain bool) (string, error) {
	return c.StopTo(ctx, id, StopRequest{Savepoint: savepoint, Drain: drain})
}

// StopTo ends a job behind a savepoint in a folder.
func (c *Client) StopTo(ctx context.Context, id string, how StopRequest) (string, error) {
	var out Stopped
	err := c.do(ctx, "POST", jobPath(id)+"/stop", how, &out)
	return out.Savepoint, err
}

// Savepoint takes a savepoint into a folder, or where the job's settings say.
func (c *Client) Savepoint(ctx context.Context, id, dir string) (string, error) {
	var out Stopped
	err := c.do(ctx, "POST", jobPath(id)+"/savepoint", StopRequest{Directory: dir}, &out)
	return out.Savepoint, err
}

// Restart has an ended job go on.
func (c *Client) Restart(ctx context.Context, id string) (session.JobInfo, error) {
	var out session.JobInfo
	err := c.do(ctx, "POST", jobPath(id)+"/restart", struct{}{}, &out)
	return out, err
}

// Wait waits for a job's end.
func (c *Client) Wait(ctx context.Context, id string) error {
	for {
		var out session.JobInfo
		if err := c.do(ctx, "GET", jobPath(id)+"/wait", nil, &out); err != nil {
			return err
		}
		if job.State(out.State).Ended() {
			return ended(out.ID, out.State, out.Error, nil)
		}
	}
}

// Logs gives lines of a job's log after those that were given before: next of the last call, 0 at first.
func (c *Client) Logs(ctx context.Context, id string, next int64) (LogLines, error) {
	var out LogLines
	err := c.do(ctx, "GET", fmt.Sprintf("%s/logs?after=%d", jobPath(id), next), nil, &out)
	return out, err
}

// Diagnose says what a job waits for.
func (c *Client) Diagnose(ctx context.Context, id string) ([]string, error) {
	var out struct {
		Lines []string `json:"lines"`
	}
	err := c.do(ctx, "GET", jobPath(id)+"/diagnosis", nil, &out)
	return out.Lines, err
}

// Ping tells whether a server answers.
func (c *Client) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return c.do(ctx, "GET", "/healthz", nil, nil)
}
