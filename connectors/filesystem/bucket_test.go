package filesystem

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"weir/connectors"
)

// moto is an S3 server of somebody else's; started by ../../../shared/kinesis/servers/start moto.
const moto = "http://127.0.0.1:5000"

// motoBucket makes a bucket that holds objects, and gives its name.
func motoBucket(t *testing.T, objects map[string]string) string {
	t.Helper()
	c, err := net.DialTimeout("tcp", strings.TrimPrefix(moto, "http://"), time.Second)
	if err != nil {
		t.Skipf("SKIPPED: no S3 server on %s; start one with ../shared/kinesis/servers/start moto", moto)
	}
	_ = c.Close()
	name := fmt.Sprintf("weir-files-%d-%d", os.Getpid(), time.Now().UnixNano())
	put(t, "PUT", name, "")
	t.Cleanup(func() { put(t, "DELETE", name, "") })
	for key, text := range objects {
		put(t, "PUT", name+"/"+key, text)
		t.Cleanup(func() { put(t, "DELETE", name+"/"+key, "") })
	}
	return name
}

func put(t *testing.T, method, path, body string) {
	t.Helper()
	r, err := http.NewRequest(method, moto+"/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=x") // it looks, and does not check
	a, err := http.DefaultClient.Do(r)
	if err != nil || a.StatusCode >= 300 {
		t.Fatalf("%s %s: %v, %v", method, path, a, err)
	}
	_ = a.Body.Close()
}

func packed(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return b.String()
}

// TestBucket reads objects as files are read: one, all below a path, a pattern, partitions; plain and packed, from every record on.
func TestBucket(t *testing.T) {
	name := motoBucket(t, map[string]string{
		"ref/a.json": "{\"id\":1}\n{\"id\":2}\n", "ref/b.json.gz": packed("{\"id\":3}\n{\"id\":4}"), "ref/sub/c.json": "{\"id\":5}\n", "ref/_x.json": "{\"id\":9}", "ref/.y/z.json": "{\"id\":9}",
		"reference.json": "{\"id\":8}", "p/p=k/1": "{\"id\":6}\n", "p/other": "{\"id\":9}\n", "empty": "",
	})
	table := &connectors.TableDesc{Name: "t", Columns: idColumns}
	for path, want := range map[string]string{
		"ref/a.json": "1|a.json 2|a.json", "ref": "1|a.json 2|a.json 3|b.json.gz 4|b.json.gz 5|c.json", "ref/": "1|a.json 2|a.json 3|b.json.gz 4|b.json.gz 5|c.json",
		"re*/a.json": "1|a.json 2|a.json", "r*.json": "8|reference.json", "ref/[ab].json*": "1|a.json 2|a.json 3|b.json.gz 4|b.json.gz", "r?f": "1|a.json 2|a.json 3|b.json.gz 4|b.json.gz 5|c.json", "empty": "",
	} {
		c := configOf(t, "path", "s3://"+name+"/"+path, "format", "json", "aws.endpoint", moto)
		got := readAll(t, c, table, connectors.Scan{Columns: idColumns[:1], Metadata: []string{"file.name"}})
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	c := configOf(t, "path", "s3a://"+name+"/ref/a.json", "format", "json", "aws.endpoint", moto)
	got := readAll(t, c, table, connectors.Scan{Columns: idColumns[:1], Metadata: []string{"file.path", "file.size"}})
	if want := "1|s3://" + name + "/ref/a.json|18"; len(got) != 2 || got[0] != want {
		t.Errorf("got %q, want %q first", got, want)
	}
	env := testEnv()
	env.S3Endpoint = moto
	src, err := configOf(t, "path", "s3://"+name+"/ref/sub", "format", "json").Source(table, connectors.Scan{Columns: idColumns[:1]}, env)
	if err != nil {
		t.Fatal(err)
	}
	if splits, err := src.Splits(context.Background()); err != nil || len(splits) != 1 {
		t.Errorf("by the session's endpoint: %v, %v", splits, err)
	}
	parts := &connectors.TableDesc{Name: "t", Columns: idColumns, PartitionedBy: []string{"p"}}
	if got := readAll(t, configOf(t, "path", "s3://"+name+"/p", "format", "json", "aws.endpoint", moto), parts, connectors.Scan{Columns: idColumns}); strings.Join(got, " ") != "6|k" {
		t.Errorf("got %q", got)
	}
}

func TestBucketErrors(t *testing.T) {
	name := motoBucket(t, map[string]string{"a.json": "{\"id\":1}\n"})
	for path, want := range map[string]string{
		"s3://" + name + "/b":      `table t: no object is at "s3://` + name + `/b", or below it; check the option "path"`,
		"s3://" + name + "/b*":     `table t: no object is at "s3://` + name + `/b*", or below it; check the option "path"`,
		"s3://" + name + "/a":      `table t: no object is at "s3://` + name + `/a", or below it; check the option "path"`,
		"s3://" + name + "-not/a":  `table t: list s3://` + name + `-not/a: NoSuchBucket: `,
		"s3://":                    `path "s3://" names no bucket: write s3://bucket/path`,
		"s3://x/[":                 `path "s3://x/[" is no valid pattern: `,
		"gs://x/y":                 `path "gs://x/y": weir reads files of this machine and s3://bucket/path, not of gs`,
		"s3://" + name + "/a.json": "",
	} {
		src, err := configOf(t, "path", path, "format", "json", "aws.endpoint", moto, "aws.credentials.provider", "BASIC", "aws.credentials.basic.accesskeyid", "hush", "aws.credentials.basic.secretkey", "hush").
			Source(&connectors.TableDesc{Name: "t", Columns: idColumns}, connectors.Scan{Columns: idColumns[:1]}, testEnv())
		if err == nil {
			_, err = src.Splits(context.Background())
		}
		text := ""
		if err != nil {
			text = err.Error()
		}
		if !strings.HasPrefix(text, want) || want == "" && text != "" || strings.Contains(text, "hush") {
			t.Errorf("%s: got %q, want %q", path, text, want)
		}
	}
	if _, err := configOf(t, "path", "s3://x/y", "format", "json").Sink(&connectors.TableDesc{Name: "t", Columns: idColumns}, testEnv(), 0, 1); err == nil || !strings.Contains(err.Error(), "are written into folders of this machine") {
		t.Error(err)
	}
}

// TestBucketBreaksOff reads an object over connections that break off, and one that is replaced meanwhile.
func TestBucketBreaksOff(t *testing.T) {
	var text strings.Builder
	for i := range 4000 {
		fmt.Fprintf(&text, "{\"id\":%d,\"x\":%q}\n", i, strings.Repeat("x", 150))
	}
	name := motoBucket(t, map[string]string{"a.json": text.String()})
	to, _ := url.Parse(moto)
	var gets, breaks atomic.Int32
	proxy := httputil.NewSingleHostReverseProxy(to)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "GET" && strings.HasSuffix(r.URL.Path, "a.json") && gets.Add(1) <= breaks.Load() {
			w = &breaking{w, 100_000}
		}
		proxy.ServeHTTP(w, r)
	}))
	defer server.Close()
	table := &connectors.TableDesc{Name: "t", Columns: idColumns}
	src, err := configOf(t, "path", "s3://"+name+"/a.json", "format", "json", "aws.endpoint", server.URL).Source(table, connectors.Scan{Columns: idColumns[:1]}, testEnv())
	if err != nil {
		t.Fatal(err)
	}
	breaks.Store(3)
	rows, _ := readSplit(t, src, connectors.Split{ID: "s3://" + name + "/a.json"}, nil)
	if len(rows) != 4000 || rows[3999] != "3999" || gets.Load() != 4 {
		t.Errorf("%d rows, %d requests", len(rows), gets.Load())
	}
	gets.Store(0)
	breaks.Store(1)
	sr, err := src.Read(context.Background(), connectors.Split{ID: "s3://" + name + "/a.json"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer sr.Close()
	put(t, "PUT", name+"/a.json", strings.Repeat("{\"id\":7}\n", 80000))
	for err == nil {
		err = sr.(connectors.Reader).Next(context.Background(), new(connectors.Chunk))
	}
	if !strings.Contains(err.Error(), "a.json: it was replaced while it was read") {
		t.Error(err)
	}
}

// breaking ends a connection behind so many bytes.
type breaking struct {
	http.ResponseWriter
	left int
}

func (b *breaking) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		panic(http.ErrAbortHandler)
	}
	return b.ResponseWriter.Write(p)
}
