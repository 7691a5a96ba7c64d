package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// call is what a request asks for.
type call struct {
	service string // by the name in signatures, such as "ec2"
	action  string // "" where it is not known
	json    bool   // the protocol of newer services; else XML
	query   url.Values
	body    []byte // of requests that carry their action in the body
}

type callKey struct{}

func withCall(ctx context.Context, c call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

func callOf(ctx context.Context) call {
	c, _ := ctx.Value(callKey{}).(call)
	return c
}

// scope finds the service in the signature of a request.
var scope = regexp.MustCompile(`Credential=[^/]+/\d{8}/[^/]+/([^/]+)/aws4_request`)

// identify finds out what a request asks for. Bodies of uploads are left alone.
func identify(r *http.Request) (call, error) {
	c := call{service: "unknown", query: r.URL.Query()}
	if found := scope.FindStringSubmatch(r.Header.Get("Authorization")); found != nil {
		c.service = found[1]
	}
	target := r.Header.Get("X-Amz-Target")
	form := strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
	switch {
	case target != "":
		c.json = true
		_, c.action, _ = strings.Cut(target, ".")
		return c, c.readBody(r)
	case form && c.service != "s3":
		if err := c.readBody(r); err != nil {
			return c, err
		}
		values, err := url.ParseQuery(string(c.body))
		c.action = values.Get("Action")
		return c, err
	case c.service == "s3" && r.Method == http.MethodDelete && !strings.Contains(strings.Trim(r.URL.Path, "/"), "/") &&
		r.URL.RawQuery == "":
		c.action = "DeleteBucket"
	default:
		c.action = r.Method
	}
	return c, nil
}

// readBody reads the body and puts it back for moto.
func (c *call) readBody(r *http.Request) error {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxInspected+1))
	if err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	if len(body) > maxInspected {
		return fmt.Errorf("read the request: it is larger than %d bytes", maxInspected)
	}
	c.body = body
	r.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

// subresource tells whether the request is about a part of a bucket, such as its policy.
func (c call) subresource(name string) bool {
	_, ok := c.query[name]
	return ok
}

// errorBody is an AWS error in the protocol of the call, and its content type.
func (c call) errorBody(code, message string) (body, contentType string) {
	if c.json {
		text, err := json.Marshal(map[string]string{"__type": code, "message": message})
		if err != nil {
			panic("gateway: two strings cannot fail to render: " + err.Error())
		}
		return string(text), "application/x-amz-json-1.1"
	}
	var escaped strings.Builder
	_ = xml.EscapeText(&escaped, []byte(message)) // a strings.Builder never fails
	detail := "<Code>" + code + "</Code><Message>" + escaped.String() + "</Message>"
	switch c.service {
	case "ec2":
		return "<Response><Errors><Error>" + detail + "</Error></Errors><RequestID>laptop</RequestID></Response>", "text/xml"
	case "s3":
		return "<Error>" + detail + "</Error>", "application/xml"
	default:
		return "<ErrorResponse><Error>" + detail + "</Error><RequestId>laptop</RequestId></ErrorResponse>", "text/xml"
	}
}

// fail answers with an AWS error.
func (c call) fail(w http.ResponseWriter, status int, code, format string, args ...any) {
	body, contentType := c.errorBody(code, fmt.Sprintf(format, args...))
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// answer answers a JSON call.
func (c call) answer(w http.ResponseWriter, result any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(result) // a client that is gone is no concern of ours
}
