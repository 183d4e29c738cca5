package filesystem

import (
	"context"
	"fmt"
	"path"
	"strings"
	"sync"
	"time"

	"weir/connectors"
	"weir/connectors/aws"
)

func isS3(scheme string) bool { return scheme == "s3" || scheme == "s3a" || scheme == "s3p" }

// bucketFiles is a bucket of S3. Paths are URLs, s3://bucket/key. It is asked by several goroutines at once.
type bucketFiles struct {
	declared string
	name     string
	session  aws.Session

	mu     sync.Mutex
	bucket *aws.Bucket
}

// newBucketFiles takes what is behind s3://, and gives the URL too. The endpoint is that of tables that name none.
func newBucketFiles(c *config, rest, endpoint string) (*bucketFiles, string, error) {
	name, key, _ := strings.Cut(rest, "/")
	if name == "" {
		return nil, "", fmt.Errorf("path %q names no bucket: write s3://bucket/path", c.path)
	}
	if _, err := path.Match(key, ""); err != nil {
		return nil, "", fmt.Errorf("path %q is no valid pattern: %w", c.path, err)
	}
	b := &bucketFiles{declared: c.path, name: name, session: c.session}
	b.session.UseLocal(endpoint)
	return b, "s3://" + name + "/" + key, nil
}

// connectTimeout bounds how long finding credentials may take.
const connectTimeout = 30 * time.Second

func (b *bucketFiles) connect(ctx context.Context) (*aws.Bucket, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bucket != nil {
		return b.bucket, nil
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	bucket, err := b.session.OpenBucket(ctx, b.name)
	if err != nil {
		return nil, fmt.Errorf("path %q: %w", b.declared, err)
	}
	b.bucket = bucket
	return bucket, nil
}

// key is a URL's part behind the bucket.
func (b *bucketFiles) key(url string) string { return strings.TrimPrefix(url, "s3://"+b.name+"/") }

func (b *bucketFiles) list(ctx context.Context, url string, wanted func(string) bool) ([]connectors.Split, error) {
	bucket, err := b.connect(ctx)
	if err != nil {
		return nil, err
	}
	var out []connectors.Split
	any := false
	root := b.key(url)
	prefix := strings.TrimSuffix(root, "/")
	if at := strings.IndexAny(root, "*?["); at >= 0 {
		prefix = root[:at]
	}
	err = bucket.List(ctx, prefix, func(key string, size int64, _ time.Time) error {
		below, ok := named(root, key)
		if !ok {
			return nil
		}
		any = true
		for _, part := range strings.Split(below, "/") {
			if hidden(part) {
				return nil
			}
		}
		if strings.HasSuffix(key, "/") { // stands for a folder
			return nil
		}
		if id := "s3://" + b.name + "/" + key; wanted(id) {
			out = append(out, connectors.Split{ID: id, Size: size})
		}
		return nil
	})
	if err == nil && !any {
		err = noFile(fmt.Sprintf("no object is at %q, or below it; check the option \"path\"", b.declared))
	}
	return out, err
}

// named tells whether a path, or a pattern, names a key or a folder that the key is below; below is the key's part from there.
func named(root, key string) (below string, ok bool) {
	root = strings.TrimSuffix(root, "/")
	if root == "" {
		return key, true
	}
	if rest, ok := strings.CutPrefix(key, root); ok && (rest == "" || rest[0] == '/') { // a name may have stars in it
		return strings.TrimPrefix(rest, "/"), true
	}
	parts := strings.Split(key, "/")
	n := strings.Count(root, "/") + 1
	if len(parts) < n {
		return "", false
	}
	ok, err := path.Match(root, strings.Join(parts[:n], "/"))
	return strings.Join(parts[n:], "/"), ok && err == nil
}

func (b *bucketFiles) open(ctx context.Context, url string, at int64) (*opened, error) {
	bucket, err := b.connect(ctx)
	if err != nil {
		return nil, err
	}
	o, err := bucket.Open(ctx, b.key(url), at)
	if err != nil {
		return nil, err
	}
	return &opened{o, o.Size, o.Modified}, nil
}

func (b *bucketFiles) full(url string) (string, error) { return url, nil }
