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

const (
	jsonType = "application/x-amz-json-1.1"
	formType = "application/x-www-form-urlencoded"
	// maxInspected limits the size of a request that is inspected, in bytes. Uploads to S3 are passed through unread.
	maxInspected = 32 << 20
	// defaultRegion is the region of global services.
	defaultRegion = "us-east-1"
)

// call is the call that a request makes.
type call struct {
	service string // by the name in signatures, such as "ec2"
	region  string // likewise
	key     string // the id of the access key that signed it
	action  string // such as "CreateVpc"
	json    bool   // the protocol of newer services; else XML
	body    []byte // of requests other than to S3
	form    url.Values
}

type callKey struct{}

func withCall(ctx context.Context, c call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

func callOf(ctx context.Context) call {
	c, _ := ctx.Value(callKey{}).(call)
	return c
}

// scope reads the access key, the region and the service from a request's signature, in the header or the query.
var scope = regexp.MustCompile(`^(?:.*Credential=)?([^/]+)/\d{8}/([^/]+)/([^/]+)/aws4_request`)

// identify determines which call a request makes. It does not read the bodies of uploads.
func identify(r *http.Request) (call, error) {
	target := r.Header.Get("X-Amz-Target")
	isForm := strings.HasPrefix(r.Header.Get("Content-Type"), formType)
	c := call{json: target != "", service: "s3"} // the only service that accepts unsigned requests without either
	for _, credential := range []string{r.Header.Get("Authorization"), r.URL.Query().Get("X-Amz-Credential")} {
		if found := scope.FindStringSubmatch(credential); found != nil {
			c.key, c.region, c.service = found[1], found[2], found[3]
		}
	}
	if c.key == "" && isForm && r.Method == http.MethodPost && r.URL.Path == "/" {
		c.service, c.region = "sts", defaultRegion // where a token of another issuer is exchanged for credentials
	}
	if c.service == "s3" && !c.json {
		c.action = s3Action(r)
		return c, nil
	}
	if err := c.readBody(r); err != nil {
		return c, err
	}
	_, c.action, _ = strings.Cut(target, ".")
	if isForm && !c.json {
		values, err := url.ParseQuery(string(c.body))
		if err != nil {
			return c, fmt.Errorf("read the parameters of the call: %w", err)
		}
		c.form, c.action = values, values.Get("Action")
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

// errorBody returns an AWS error in the protocol of the call, and its content type.
func (c call) errorBody(code, message string) (body, contentType string) {
	if c.json {
		text, err := json.Marshal(map[string]string{"__type": code, "message": message})
		if err != nil {
			panic("gateway: two strings cannot fail to render: " + err.Error())
		}
		return string(text), jsonType
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

// refuse answers that the client's request is invalid.
func (c call) refuse(w http.ResponseWriter, p *problem) {
	c.fail(w, http.StatusBadRequest, p.code, "%s", p.message)
}

// unavailable answers that moto does not answer.
func (c call) unavailable(w http.ResponseWriter, err error) {
	c.fail(w, http.StatusServiceUnavailable, "ServiceUnavailable", "%v", err)
}

// answer answers a JSON call.
func (c call) answer(w http.ResponseWriter, result any) {
	w.Header().Set("Content-Type", jsonType)
	_ = json.NewEncoder(w).Encode(result) // the client may be gone
}

// parse reads the call's input, or answers with an error.
func (c call) parse(w http.ResponseWriter, in any) bool {
	if err := json.Unmarshal(c.body, in); err != nil {
		c.fail(w, http.StatusBadRequest, "SerializationException", "%v", err)
		return false
	}
	return true
}

// problem is what is wrong with a call, as AWS reports it.
type problem struct{ code, message string }

func wrong(code, format string, args ...any) *problem {
	return &problem{code, fmt.Sprintf(format, args...)}
}
