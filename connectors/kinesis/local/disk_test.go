//go:build linux

package local

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
)

// A full disk gives errors to producers, keeps consumers going, and ends by itself when there is space.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if text, err := exec.Command("unshare", "-Urm", "mount", "-t", "tmpfs", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("SKIPPED: no small disk can be mounted: %v: %s", err, text)
	}
	child := exec.Command("unshare", "-Urm", "sh", "-c", fmt.Sprintf("mount -t tmpfs -o size=64m tmpfs %s && exec %s", dir, os.Args[0]))
	url, _ := startCommand(t, filepath.Join(dir, "data"), child)
	inside := filepath.Join("/proc", fmt.Sprint(child.Process.Pid), "root", dir)
	c := newClient(url)
	ok(c.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String("s"), ShardCount: aws.Int32(1)}))(t)
	acknowledged, refused := 0, 0
	random := rand.NewChaCha8([32]byte{}) // what does not compress
	put := func() error {
		data := make([]byte, 200_000)
		random.Read(data)
		_, err := c.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: aws.String("s"), PartitionKey: aws.String("k"), Data: data})
		if err == nil {
			acknowledged++
		} else {
			refused++
		}
		return err
	}
	until := func(what string, want bool) {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			err := put()
			if (err != nil) == want {
				if want {
					wantError(t, err, "InternalFailureException", "full", dir)
				}
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: %v", what, err)
			}
		}
	}
	read := func() {
		t.Helper()
		r := &rig{T: t, Client: c, ctx: t.Context()}
		// A put whose write was waiting for space may have been done after its error, as with any lost answer.
		if n := len(r.drain("s", 0)); n < acknowledged || n > acknowledged+refused {
			t.Errorf("%d records, with %d acknowledged and %d refused", n, acknowledged, refused)
		}
	}
	for range 3 {
		ok(0, put())(t)
	}
	// Somebody else takes all there is, down to the last byte.
	ballast := fill(t, filepath.Join(inside, "ballast"))
	until("no error on a full disk", true)
	read()
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	until("no recovery", false)
	// The records themselves fill the disk.
	until("no error when full of records", true)
	read()
	ok(c.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String("more"), ShardCount: aws.Int32(1)}))(t)
	ok(c.DeleteStream(t.Context(), &kinesis.DeleteStreamInput{StreamName: aws.String("s")}))(t)
	ok(c.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String("s"), ShardCount: aws.Int32(1)}))(t)
	acknowledged, refused = 0, 0
	until("no recovery after a stream was deleted", false)
	read()
}

func fill(t *testing.T, name string) string {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); errors.Is(err, syscall.ENOSPC) {
			size /= 4
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return name
}
