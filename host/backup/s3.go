package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

const (
	// partSize is the size of a part of an upload, and what does not exceed it is uploaded at once. S3 allows 10,000
	// parts, so larger dumps have larger parts. All parts of an upload have the same size.
	partSize = 16 << 20
	maxParts = 10_000
	// copySize is how much is copied at once; S3's limit is 5 GiB.
	copySize = 1 << 30
	// stalled is how long a connection may be silent. S3 answers within seconds, however much there is to do.
	stalled = 2 * time.Minute
	// attempts is how often a download is continued after its connection broke.
	attempts = 5
)

// Bucket is a backup bucket. It implements Store.
type Bucket struct {
	client *s3.Client
	name   string
	limits limits
}

// limits are the sizes and times of requests.
type limits struct {
	part, copied int64
	silence      time.Duration
}

// OpenBucket returns the bucket with this name.
func OpenBucket(cfg aws.Config, name string) *Bucket {
	return openBucket(cfg, name, limits{part: partSize, copied: copySize, silence: stalled})
}

func openBucket(cfg aws.Config, name string, l limits) *Bucket {
	return &Bucket{name: name, limits: l, client: s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.HTTPClient = &patient{client: o.HTTPClient, limit: l.silence}
		// A custom endpoint rarely has DNS names for buckets.
		o.UsePathStyle = o.BaseEndpoint != nil
		// Every download is compared with the SHA-256 of what was uploaded.
		o.DisableLogOutputChecksumValidationSkipped = true
	})}
}

func (b *Bucket) explain(verb, key string, err error) error {
	return fmt.Errorf("%s s3://%s/%s: %w", verb, b.name, key, err)
}

// Put implements Store.
func (b *Bucket) Put(ctx context.Context, key string, content io.ReaderAt, size int64) (version string, err error) {
	if size > b.limits.part {
		version, err = b.putParts(ctx, key, content, size)
	} else {
		version, err = b.put(ctx, key, content, size, aws.String("*"))
	}
	if stored, ok := b.stored(ctx, err, key, content, size); ok {
		return stored, nil
	}
	if err != nil {
		return "", b.explain("upload", key, err)
	}
	return version, nil
}

// stored reports whether an upload failed only because the answer to an earlier try was lost: S3 refuses the next try, as
// the object is there. It is if it has the content that was uploaded.
func (b *Bucket) stored(ctx context.Context, err error, key string, content io.ReaderAt, size int64) (version string, ok bool) {
	refused := smithy.APIError(nil)
	if !errors.As(err, &refused) || !slices.Contains([]string{"PreconditionFailed", "NoSuchUpload"}, refused.ErrorCode()) {
		return "", false
	}
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key})
	if err != nil {
		return "", false
	}
	defer func() { _ = out.Body.Close() }()
	want, got := sha256.New(), sha256.New()
	if _, err := io.Copy(want, io.NewSectionReader(content, 0, size)); err != nil {
		return "", false
	}
	if _, err := io.Copy(got, out.Body); err != nil || !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
		return "", false
	}
	return aws.ToString(out.VersionId), true
}

// Replace implements Store.
func (b *Bucket) Replace(ctx context.Context, key string, content io.ReaderAt, size int64) error {
	if _, err := b.put(ctx, key, content, size, nil); err != nil {
		return b.explain("upload", key, err)
	}
	return nil
}

func (b *Bucket) put(ctx context.Context, key string, content io.ReaderAt, size int64, match *string) (string, error) {
	out, err := b.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &b.name, Key: &key, Body: io.NewSectionReader(content, 0, size), ContentLength: &size, IfNoneMatch: match,
	})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.VersionId), nil
}

// partOf returns the size of the parts of an object.
func partOf(size, least int64) int64 {
	const mebi = 1 << 20
	if size <= least*maxParts {
		return least
	}
	return ((size/maxParts + mebi) / mebi * mebi)
}

// putParts uploads an object in parts, one after the other, and makes them an object only when all of them are there.
func (b *Bucket) putParts(ctx context.Context, key string, content io.ReaderAt, size int64) (string, error) {
	return b.inParts(ctx, key, aws.String("*"), size, partOf(size, b.limits.part),
		func(upload *string, number int32, from, length int64) (types.CompletedPart, error) {
			out, err := b.client.UploadPart(ctx, &s3.UploadPartInput{
				Bucket: &b.name, Key: &key, UploadId: upload, PartNumber: &number, ContentLength: &length,
				Body: io.NewSectionReader(content, from, length), ChecksumAlgorithm: types.ChecksumAlgorithmCrc32,
			})
			if err != nil {
				return types.CompletedPart{}, err
			}
			return types.CompletedPart{PartNumber: &number, ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32}, nil
		})
}

// inParts makes an object of parts. If it fails, nothing stays.
func (b *Bucket) inParts(
	ctx context.Context, key string, match *string, size, each int64,
	put func(upload *string, number int32, from, length int64) (types.CompletedPart, error),
) (version string, err error) {
	begun, err := b.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: &b.name, Key: &key, ChecksumAlgorithm: types.ChecksumAlgorithmCrc32,
	})
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil { // what cannot be aborted now, the bucket's lifecycle aborts
			_, _ = b.client.AbortMultipartUpload(context.WithoutCancel(ctx), &s3.AbortMultipartUploadInput{
				Bucket: &b.name, Key: &key, UploadId: begun.UploadId,
			})
		}
	}()
	var parts []types.CompletedPart
	for from := int64(0); from < size; from += each {
		part, err := put(begun.UploadId, int32(len(parts)+1), from, min(each, size-from)) //nolint:gosec // at most maxParts
		if err != nil {
			return "", fmt.Errorf("part %d: %w", len(parts)+1, err)
		}
		parts = append(parts, part)
	}
	done, err := b.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &b.name, Key: &key, UploadId: begun.UploadId, IfNoneMatch: match,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	if err != nil {
		return "", err
	}
	return aws.ToString(done.VersionId), nil
}

// Copy implements Store.
func (b *Bucket) Copy(ctx context.Context, from, to string, size int64) (version string, err error) {
	source := url.PathEscape(b.name + "/" + from)
	if size <= b.limits.copied {
		out, err := b.client.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &b.name, Key: &to, CopySource: &source})
		if err != nil {
			return "", b.explain("copy "+from+" to", to, err)
		}
		return aws.ToString(out.VersionId), nil
	}
	version, err = b.inParts(ctx, to, nil, size, b.limits.copied,
		func(upload *string, number int32, begin, length int64) (types.CompletedPart, error) {
			out, err := b.client.UploadPartCopy(ctx, &s3.UploadPartCopyInput{
				Bucket: &b.name, Key: &to, UploadId: upload, PartNumber: &number, CopySource: &source,
				CopySourceRange: aws.String(fmt.Sprintf("bytes=%d-%d", begin, begin+length-1)),
			})
			if err != nil {
				return types.CompletedPart{}, err
			}
			r := out.CopyPartResult
			return types.CompletedPart{PartNumber: &number, ETag: r.ETag, ChecksumCRC32: r.ChecksumCRC32}, nil
		})
	if err != nil {
		return "", b.explain("copy "+from+" to", to, err)
	}
	return version, nil
}

// Exists implements Store. It lists, because S3 tells only those who may list the whole bucket that an object is missing.
func (b *Bucket) Exists(ctx context.Context, key string) (bool, error) {
	out, err := b.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &key, MaxKeys: aws.Int32(1)})
	if err != nil {
		return false, b.explain("look for", key, err)
	}
	return len(out.Contents) > 0 && aws.ToString(out.Contents[0].Key) == key, nil
}

// List implements Store.
func (b *Bucket) List(ctx context.Context, prefix string) ([]string, error) {
	var keys []string
	pages := s3.NewListObjectsV2Paginator(b.client, &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, b.explain("list", prefix, err)
		}
		for _, o := range page.Contents {
			keys = append(keys, aws.ToString(o.Key))
		}
	}
	return keys, nil
}

// Get implements Store. When the connection breaks, it goes on where it was.
func (b *Bucket) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	d := &download{ctx: ctx, bucket: b, key: key, left: attempts}
	if err := d.open(); err != nil {
		return nil, err
	}
	return d, nil
}

// download reads an object.
type download struct {
	ctx     context.Context //nolint:containedctx // the reader has the life of one call of Get
	bucket  *Bucket
	key     string
	body    io.ReadCloser
	at, end int64
	etag    *string
	left    int
}

func (d *download) open() error {
	in := &s3.GetObjectInput{Bucket: &d.bucket.name, Key: &d.key, IfMatch: d.etag}
	if d.at > 0 {
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", d.at))
	}
	out, err := d.bucket.client.GetObject(d.ctx, in)
	if err != nil {
		return d.bucket.explain("get", d.key, err)
	}
	d.body, d.etag, d.end = out.Body, out.ETag, d.at+aws.ToInt64(out.ContentLength)
	return nil
}

// Read implements io.Reader.
func (d *download) Read(p []byte) (int, error) {
	for {
		n, err := d.body.Read(p)
		d.at += int64(n)
		switch {
		case err == nil, n > 0:
			return n, nil
		case errors.Is(err, io.EOF) && d.at >= d.end:
			return 0, io.EOF
		case d.left == 0 || d.ctx.Err() != nil:
			return 0, d.bucket.explain("get", d.key, err)
		}
		d.left--
		_ = d.body.Close()
		if err := d.open(); err != nil {
			return 0, err
		}
	}
}

// Close implements io.Closer.
func (d *download) Close() error { return d.body.Close() }
