package aws

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const (
	// partSize is the size from which objects are sent in parts, and of those.
	partSize = 16 << 20
	// maxDelete is how many objects S3 deletes at once.
	maxDelete = 1000
	// objectTimeout is how long reading one object, or sending a part, may take.
	objectTimeout = 10 * time.Minute
)

// Bucket is an S3 bucket, as a plain store of objects. It is safe for concurrent use.
type Bucket struct {
	client *s3.Client
	name   string
	part   int64
}

// OpenBucket connects to a bucket. An endpoint other than AWS's is asked by path, not by host name.
func (s *Session) OpenBucket(ctx context.Context, name string) (*Bucket, error) {
	cfg, err := s.Config(ctx)
	if err != nil {
		return nil, err
	}
	if c, ok := cfg.HTTPClient.(plainBody); ok {
		if next, ok := c.next.(*awshttp.BuildableClient); ok {
			cfg.HTTPClient = plainBody{next.WithTimeout(objectTimeout)}
		}
	}
	return newBucket(cfg, name), nil
}

func newBucket(cfg aws.Config, name string) *Bucket {
	client := s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.UsePathStyle = cfg.BaseEndpoint != nil
		o.RetryMaxAttempts = 4
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	})
	return &Bucket{client: client, name: name, part: partSize}
}

func (b *Bucket) explain(what, key string, err error) error {
	if err == nil {
		return nil
	}
	return Explain(fmt.Sprintf("%s s3://%s/%s", what, b.name, key), err)
}

// Put writes an object, a large one in parts.
func (b *Bucket) Put(ctx context.Context, key string, size int64, body io.ReaderAt) error {
	if size > b.part {
		return b.explain("write", key, b.putParts(ctx, key, size, body))
	}
	_, err := b.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &b.name, Key: &key, Body: io.NewSectionReader(body, 0, size), ContentLength: &size,
	})
	return b.explain("write", key, err)
}

func (b *Bucket) putParts(ctx context.Context, key string, size int64, body io.ReaderAt) (err error) {
	up, err := b.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &b.name, Key: &key})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil { // what was sent costs money until it is thrown away
			late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
			_, _ = b.client.AbortMultipartUpload(late, &s3.AbortMultipartUploadInput{Bucket: &b.name, Key: &key, UploadId: up.UploadId})
		}
	}()
	part := max(b.part, size/9000) // of which there may be 10,000
	var done []s3types.CompletedPart
	for at, n := int64(0), int32(1); at < size; at, n = at+part, n+1 {
		length := min(part, size-at)
		out, err := b.client.UploadPart(ctx, &s3.UploadPartInput{
			Bucket: &b.name, Key: &key, UploadId: up.UploadId, PartNumber: &n, Body: io.NewSectionReader(body, at, length), ContentLength: &length,
		})
		if err != nil {
			return err
		}
		done = append(done, s3types.CompletedPart{ETag: out.ETag, PartNumber: &n})
	}
	_, err = b.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &b.name, Key: &key, UploadId: up.UploadId, MultipartUpload: &s3types.CompletedMultipartUpload{Parts: done},
	})
	return err
}

// PutNew writes an object unless there is one. Of several who try, one creates it.
func (b *Bucket) PutNew(ctx context.Context, key string, body []byte) (created bool, err error) {
	_, err = b.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &b.name, Key: &key, Body: bytes.NewReader(body), IfNoneMatch: aws.String("*"),
	})
	var failed *awshttp.ResponseError
	if errors.As(err, &failed) && failed.HTTPStatusCode() == http.StatusPreconditionFailed {
		// A first try of ours may have got through without our hearing of it.
		same, err := b.holds(ctx, key, body)
		return same, err
	}
	return err == nil, b.explain("write", key, err)
}

// holds tells whether an object has that content.
func (b *Bucket) holds(ctx context.Context, key string, body []byte) (bool, error) {
	r, err := b.Get(ctx, key)
	if err != nil {
		return false, err
	}
	defer r.Close()
	got, err := io.ReadAll(io.LimitReader(r, int64(len(body))+1))
	return bytes.Equal(got, body), err
}

// Get reads an object. The error of one that is not there is also fs.ErrNotExist.
func (b *Bucket) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key})
	if missing := new(s3types.NoSuchKey); errors.As(err, &missing) {
		return nil, fmt.Errorf("%w: %w", b.explain("read", key, err), fs.ErrNotExist)
	}
	if err != nil {
		return nil, b.explain("read", key, err)
	}
	return out.Body, nil
}

// List visits the objects whose key begins with prefix, in order.
func (b *Bucket) List(ctx context.Context, prefix string, visit func(key string, size int64, modified time.Time) error) error {
	pages := s3.NewListObjectsV2Paginator(b.client, &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return b.explain("list", prefix, err)
		}
		for _, o := range page.Contents {
			if err := visit(aws.ToString(o.Key), aws.ToInt64(o.Size), aws.ToTime(o.LastModified)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Delete deletes objects; those that are not there do not matter.
func (b *Bucket) Delete(ctx context.Context, keys []string) error {
	for len(keys) > 0 {
		some := keys[:min(len(keys), maxDelete)]
		keys = keys[len(some):]
		ids := make([]s3types.ObjectIdentifier, len(some))
		for i := range some {
			ids[i].Key = &some[i]
		}
		out, err := b.client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &b.name, Delete: &s3types.Delete{Objects: ids, Quiet: aws.Bool(true)}})
		if err == nil && len(out.Errors) > 0 {
			err = errors.New(aws.ToString(out.Errors[0].Message))
		}
		if err != nil {
			return b.explain("delete", some[0], err)
		}
	}
	return nil
}
