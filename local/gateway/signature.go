package gateway

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"webstack/local/machine"
)

const (
	amzDate     = "X-Amz-Date"
	amzTime     = "20060102T150405Z"
	payloadHash = "X-Amz-Content-Sha256"
	// unsigned stands for the hash of a presigned request's body.
	unsigned = "UNSIGNED-PAYLOAD"
)

var signedHeaders = regexp.MustCompile(`SignedHeaders=([^,\s]+)`)

// signed reports whether the request's signature matches the credentials.
func (g *Gateway) signed(r *http.Request, c call, given machine.Credentials) bool {
	keys := aws.Credentials{
		AccessKeyID: given.AccessKeyID, SecretAccessKey: given.SecretAccessKey, SessionToken: given.Token,
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = c.service == "s3" })
	if r.Header.Get("Authorization") == "" {
		return g.presigned(r, c, keys, signer)
	}
	at, err := time.Parse(amzTime, r.Header.Get(amzDate))
	found := signedHeaders.FindStringSubmatch(r.Header.Get("Authorization"))
	if err != nil || found == nil {
		return false
	}
	again := bare(r, strings.Split(found[1], ";"), r.URL.RawQuery)
	hash := r.Header.Get(payloadHash)
	if c.service != "s3" { // whose bodies are not read
		hash = hashOf(c.body)
	}
	if err := signer.SignHTTP(r.Context(), keys, again, hash, c.service, c.region, at); err != nil {
		return false
	}
	return sameSignature(again.Header.Get("Authorization"), r.Header.Get("Authorization"))
}

// hashOf returns the hash of a body as used in signatures.
func hashOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// presigned checks the signature in a query.
func (g *Gateway) presigned(r *http.Request, c call, keys aws.Credentials, signer *v4.Signer) bool {
	query := r.URL.Query()
	at, err := time.Parse(amzTime, query.Get(amzDate))
	if err != nil {
		return false
	}
	life, err := time.ParseDuration(query.Get("X-Amz-Expires") + "s")
	if err != nil || g.now().Sub(at) > life {
		return false
	}
	wanted, headers := query.Get("X-Amz-Signature"), strings.Split(query.Get("X-Amz-SignedHeaders"), ";")
	for _, name := range []string{
		"X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Algorithm", "X-Amz-Credential", amzDate, "X-Amz-Security-Token",
	} {
		query.Del(name)
	}
	again := bare(r, headers, query.Encode())
	address, _, err := signer.PresignHTTP(r.Context(), keys, again, unsigned, c.service, c.region, at)
	if err != nil {
		return false
	}
	parsed, err := url.Parse(address)
	return err == nil && subtle.ConstantTimeCompare([]byte(parsed.Query().Get("X-Amz-Signature")), []byte(wanted)) == 1
}

// bare returns the signed part of the request.
func bare(r *http.Request, headers []string, query string) *http.Request {
	out := (&http.Request{
		Method: r.Method, Host: r.Host, Header: http.Header{}, Proto: r.Proto,
		URL: &url.URL{Scheme: "http", Host: r.Host, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: query},
	}).WithContext(context.WithoutCancel(r.Context()))
	for _, name := range headers {
		if values := r.Header.Values(name); len(values) > 0 && !strings.EqualFold(name, "Authorization") {
			out.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	if slices.Contains(headers, "content-length") {
		out.ContentLength = r.ContentLength
		out.Header.Del("Content-Length")
	}
	return out
}

// sameSignature compares the signatures at the ends of two headers.
func sameSignature(a, b string) bool {
	const part = "Signature="
	_, first, _ := strings.Cut(a, part)
	_, second, _ := strings.Cut(b, part)
	return first != "" && subtle.ConstantTimeCompare([]byte(strings.TrimSpace(first)), []byte(strings.TrimSpace(second))) == 1
}
