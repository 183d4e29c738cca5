package aws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// objectTries is how often in a row an object that breaks off is asked for again.
const objectTries = 5

// Object is an object of a bucket that is read once, in order. A connection that breaks off is made anew, behind what was
// read; an object that was replaced meanwhile is an error then, never a mixture. It belongs to one goroutine.
type Object struct {
	Size     int64 // of all of it
	Modified time.Time

	ctx    context.Context
	bucket *Bucket
	key    string
	etag   string
	at     int64
	body   io.ReadCloser
	failed int           // times in a row
	pause  time.Duration // before the first new try
}

// Open opens an object at a byte. The error of one that is not there is also fs.ErrNotExist. Reading ends with ctx.
func (b *Bucket) Open(ctx context.Context, key string, at int64) (*Object, error) {
	o := &Object{ctx: ctx, bucket: b, key: key, at: at, pause: 100 * time.Millisecond}
	if err := o.connect(); err != nil {
		return nil, err
	}
	return o, nil
}

// connect asks for what is left.
func (o *Object) connect() error {
	in := &s3.GetObjectInput{Bucket: &o.bucket.name, Key: &o.key}
	if o.at > 0 {
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", o.at))
	}
	if o.etag != "" {
		in.IfMatch = &o.etag
	}
	out, err := o.bucket.client.GetObject(o.ctx, in)
	switch missing := new(s3types.NoSuchKey); {
	case err == nil:
	case errors.As(err, &missing):
		return fmt.Errorf("%w: %w", o.bucket.explain("read", o.key, err), fs.ErrNotExist)
	case o.at > 0 && status(err) == http.StatusRequestedRangeNotSatisfiable: // all of it was read
		o.body = http.NoBody
		return nil
	case o.etag != "" && status(err) == http.StatusPreconditionFailed:
		return &explained{fmt.Sprintf("read s3://%s/%s: it was replaced while it was read", o.bucket.name, o.key), err, Fatal}
	default:
		return o.bucket.explain("read", o.key, err)
	}
	o.body, o.etag, o.Modified = out.Body, aws.ToString(out.ETag), aws.ToTime(out.LastModified)
	o.Size = o.at + aws.ToInt64(out.ContentLength)
	return nil
}

// Read implements io.Reader.
func (o *Object) Read(p []byte) (int, error) {
	for {
		n, err := o.body.Read(p)
		o.at += int64(n)
		if n > 0 {
			o.failed = 0
		}
		if err == nil || err == io.EOF && o.at >= o.Size {
			return n, err
		}
		if n > 0 {
			return n, nil // what is wrong shows again
		}
		if o.failed++; o.failed > objectTries || o.ctx.Err() != nil {
			return 0, o.bucket.explain("read", o.key, err)
		}
		select {
		case <-time.After(o.pause << o.failed):
		case <-o.ctx.Done():
			return 0, o.ctx.Err()
		}
		_ = o.body.Close()
		if err := o.connect(); err != nil && (o.failed == objectTries || Classify(err) == Fatal) {
			return 0, err
		}
	}
}

// Close ends reading.
func (o *Object) Close() error { return o.body.Close() }
