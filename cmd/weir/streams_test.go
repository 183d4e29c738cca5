package main

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"weir/connectors/kinesis/local"
)

// runStreams runs one command of weir streams and gives what it printed.
func runStreams(t *testing.T, endpoint, input string, args ...string) (string, error) {
	t.Helper()
	c := streamsCommand()
	c.SilenceErrors, c.SilenceUsage = true, true
	var out bytes.Buffer
	c.SetOut(&out)
	c.SetIn(strings.NewReader(input))
	c.SetArgs(append(args, "--endpoint", endpoint))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err := c.ExecuteContext(ctx)
	return out.String(), err
}

func runKinesis(t *testing.T, o local.Options) string {
	t.Helper()
	s, err := local.Run(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s.URL()
}

var streamTimes = regexp.MustCompile(`\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+Z)?`)

// The life of a stream by the commands: what they print, with times taken out.
func TestStreams(t *testing.T) {
	url := runKinesis(t, local.Options{TransitionDelay: 50 * time.Millisecond})
	f := func(want, input string, args ...string) {
		t.Helper()
		got, err := runStreams(t, url, input, args...)
		if err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		if got = streamTimes.ReplaceAllString(got, "TIME"); got != want {
			t.Errorf("%v printed\n%swant\n%s", args, got, want)
		}
	}
	f("", "", "create", "s", "--shards", "2", "--retention", "30")
	f("STREAM  STATUS  MODE         SHARDS  KEPT  CREATED\ns       ACTIVE  PROVISIONED  2       30 h  TIME\n", "", "list")
	f("", "{\"id\": 1}\nline two\n", "put", "s", "--key", "a")
	f("TIME  0  a  {\"id\":1}\nTIME  0  a  line two\n", "", "tail", "s", "--from", "trim", "--once")
	if _, err := runStreams(t, url, "", "split", "s", "0"); err != nil {
		t.Fatal(err)
	}
	f("", "", "put", "s", "three", "four", "--hash", "0")
	if _, err := runStreams(t, url, "", "merge", "s", "3", "2"); err != nil {
		t.Fatal(err)
	}
	f("", "", "put", "s", "five", "--hash", "0")
	// Parents come before their children, whatever was split or merged.
	f("{\"id\":1}\nline two\nthree\nfour\nfive\n", "", "tail", "s", "--from", "1h", "--once", "-o", "data")
	f("{\"id\":1}\nline two\n", "", "tail", "s", "--from", "trim", "-n", "2", "-o", "data")
	got, err := runStreams(t, url, "", "describe", "s")
	if err != nil || !strings.Contains(got, "4      open    3 2") && !strings.Contains(got, "4      open    2 3") {
		t.Errorf("describe: %v\n%s", err, got)
	}
	f("", "", "delete", "s")
}

func TestStreamsErrors(t *testing.T) {
	url := runKinesis(t, local.Options{})
	f := func(want string, args ...string) {
		t.Helper()
		if _, err := runStreams(t, url, "", args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: error %v, want %q", args, err, want)
		}
	}
	f("Stream nope under account", "describe", "nope")
	f("--from \"soon\": it can be", "tail", "nope", "--from", "soon")
	f("--output \"xml\": it can be", "tail", "nope", "-o", "xml")
	f("accepts 1 arg", "create")
	f("unknown command \"bogus\"", "bogus")
	if _, err := runStreams(t, url, "", "create", "s"); err != nil {
		t.Fatal(err)
	}
	f("stream \"s\" has no shard \"7\"", "split", "s", "7")
	f("stream \"s\" has no shard \"7\"", "tail", "s", "--shard", "7")
	url = "http://127.0.0.1:1"
	f("no Kinesis at http://127.0.0.1:1: start one with 'weir kinesis'", "list")
}

// Records refused by a throttled shard are sent again until all are in.
func TestStreamsPutThrottled(t *testing.T) {
	url := runKinesis(t, local.Options{EnforceLimits: true})
	if _, err := runStreams(t, url, "", "create", "s"); err != nil {
		t.Fatal(err)
	}
	if _, err := runStreams(t, url, strings.Repeat("x\n", 1500), "put", "s"); err != nil {
		t.Fatal(err)
	}
	got, err := runStreams(t, url, "", "tail", "s", "--from", "trim", "--once", "-o", "data")
	if n := strings.Count(got, "x\n"); err != nil || n != 1500 {
		t.Errorf("%d records, %v", n, err)
	}
}

func TestReadCredentials(t *testing.T) {
	keys, err := readCredentials(strings.NewReader("# keys\nAKID1 secret1\n\nAKID2\tsecret2\n"))
	if err != nil || len(keys) != 2 || keys["AKID2"] != "secret2" {
		t.Errorf("%v %v", keys, err)
	}
	for _, bad := range []string{"", "AKID", "AKID topsecret more"} {
		if _, err := readCredentials(strings.NewReader(bad)); err == nil || strings.Contains(err.Error(), "topsecret") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
