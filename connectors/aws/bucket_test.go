package aws

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// moto is an S3 server of somebody else's; started by ../../../shared/kinesis/servers/start moto.
const moto = "127.0.0.1:5000"

func openMoto(t *testing.T) *Bucket {
	t.Helper()
	c, err := net.DialTimeout("tcp", moto, time.Second)
	if err != nil {
		t.Skipf("SKIPPED: no S3 server on %s; start one with ../shared/kinesis/servers/start moto", moto)
	}
	_ = c.Close()
	s := &Session{Endpoint: "http://" + moto}
	s.Defaults()
	name := fmt.Sprintf("weir-test-%d-%d", os.Getpid(), time.Now().UnixNano())
	b, err := s.OpenBucket(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.client.CreateBucket(context.Background(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := b.client.DeleteBucket(context.Background(), &s3.DeleteBucketInput{Bucket: &name}); err != nil {
			t.Errorf("the bucket is not empty: %v", err)
		}
	})
	return b
}

func TestBucket(t *testing.T) {
	b := openMoto(t)
	ctx := context.Background()
	b.part = 5 << 20 // the least that S3 takes
	large := bytes.Repeat([]byte("0123456789abcdef"), 11<<16)
	want := map[string][]byte{"p/empty": {}, "p/small ü+%": []byte("hello"), "p/large": large, "q/other": []byte("x")}
	for key, body := range want {
		for range 2 { // again is no error
			if err := b.Put(ctx, key, int64(len(body)), bytes.NewReader(body)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for key, body := range want {
		r, err := b.Get(ctx, key)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		_ = r.Close()
		if err != nil || !bytes.Equal(got, body) {
			t.Errorf("%s: %v, %d bytes of %d", key, err, len(got), len(body))
		}
	}
	list := func(prefix string) (keys []string) {
		t.Helper()
		if err := b.List(ctx, prefix, func(key string, size int64, modified time.Time) error {
			if size != int64(len(want[key])) || time.Since(modified).Abs() > time.Hour {
				t.Errorf("%s has size %d and time %v", key, size, modified)
			}
			keys = append(keys, key)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return keys
	}
	if got := list("p/"); !slices.Equal(got, []string{"p/empty", "p/large", "p/small ü+%"}) {
		t.Errorf("got %q", got)
	}
	for i, c := range []struct {
		body    string
		created bool
	}{{"one", true}, {"one", true}, {"two", false}} { // the second is the first one's, tried again
		want["q/new"] = []byte("one")
		if created, err := b.PutNew(ctx, "q/new", []byte(c.body)); err != nil || created != c.created {
			t.Errorf("%d: got %v, %v", i, created, err)
		}
	}
	if _, err := b.Get(ctx, "nothing"); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "/nothing") {
		t.Errorf("got %v", err)
	}
	if err := b.Delete(ctx, append(list("p/"), append(list("q/"), "never there")...)); err != nil {
		t.Fatal(err)
	}
	if got := list(""); len(got) > 0 {
		t.Errorf("left %q", got)
	}
}

func TestBucketThatIsNotThere(t *testing.T) {
	b := openMoto(t)
	other := &Bucket{client: b.client, name: b.name + "-not", part: partSize}
	if _, err := other.PutNew(context.Background(), "k", nil); err == nil || !strings.Contains(err.Error(), other.name) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := b.Put(ctx, "k", 1, bytes.NewReader([]byte("x"))); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
