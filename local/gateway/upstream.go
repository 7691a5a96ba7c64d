package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// upstream sends requests to moto.
type upstream struct {
	mu   sync.Mutex
	next http.RoundTripper
}

// motoURL is moto's address in requests; the connection goes to its socket.
var motoURL = &url.URL{Scheme: "http", Host: "127.0.0.1"}

// transport is Go's default one, except for its target and for compression: it would ask for compression on its own and
// unpack an object that was stored compressed.
func transport(dial func(context.Context) (net.Conn, error)) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DisableCompression = true
	t.Proxy = nil
	t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }
	return t
}

// RoundTrip sends one request at a time, except to S3: an upload may wait for the end of a download, if one is piped
// into the other.
func (u *upstream) RoundTrip(r *http.Request) (*http.Response, error) {
	c := callOf(r.Context())
	if c.service == "s3" {
		response, err := u.next.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		closeToPages(response.Header)
		return response, unknownAction(c, response)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	response, err := u.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	closeToPages(response.Header)
	return response, unknownAction(c, response)
}

// closeToPages removes the headers with which moto allows every web page to read its answers.
func closeToPages(header http.Header) {
	for name := range header {
		if strings.HasPrefix(name, "Access-Control-") {
			header.Del(name)
		}
	}
}

// unknownAction turns moto's page for an action that it does not support, or fails at, into an AWS error that clients
// do not retry.
func unknownAction(c call, response *http.Response) error {
	if response.StatusCode != http.StatusInternalServerError ||
		!strings.HasPrefix(response.Header.Get("Content-Type"), "text/html") {
		return nil
	}
	if err := response.Body.Close(); err != nil {
		return err
	}
	code := "InvalidAction"
	if c.json {
		code = "UnknownOperationException"
	}
	body, contentType := c.errorBody(code,
		"the laptop cloud does not support the action "+c.action+" of "+c.service+", or moto failed at it; see its log")
	response.StatusCode, response.Status = http.StatusBadRequest, ""
	response.Body = io.NopCloser(strings.NewReader(body))
	response.ContentLength = int64(len(body))
	response.Header = http.Header{"Content-Type": {contentType}}
	return nil
}

// reply is an answer of moto, read completely.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (p reply) ok() bool { return p.status == http.StatusOK }

func (p reply) write(w http.ResponseWriter) {
	for key, values := range p.header {
		if key != "Content-Length" {
			w.Header()[key] = values
		}
	}
	w.WriteHeader(p.status)
	_, _ = w.Write(p.body) // the client may be gone
}

// send sends a request to moto as the call c, with the client's headers, whose signature moto does not check.
func (g *Gateway) send(r *http.Request, c call, method, path string, header http.Header, body []byte) (reply, error) {
	if c.service == "ec2" {
		body = swapAddresses(body)
	}
	request, err := http.NewRequestWithContext(withCall(r.Context(), c), method, motoURL.String()+path,
		bytes.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	request.Header, request.Host = header.Clone(), r.Host
	request.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"),
		"/"+callOf(r.Context()).service+"/aws4_request", "/"+c.service+"/aws4_request", 1))
	response, err := g.to.RoundTrip(request)
	if err != nil {
		return reply{}, fmt.Errorf("ask moto for %s: %w", c.action, err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if c.service == "ec2" {
		answer = swapAddresses(answer)
	}
	return reply{response.StatusCode, response.Header, answer}, err
}

// forward forwards the client's own call, and returns the answer instead of writing it.
func (g *Gateway) forward(r *http.Request, c call) (reply, error) {
	return g.send(r, c, r.Method, r.URL.RequestURI(), r.Header, c.body)
}

// askJSON makes a call of the gateway itself to a JSON service and reads the result into out, unless moto refuses.
func (g *Gateway) askJSON(r *http.Request, service, target string, in, out any) (reply, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return reply{}, err
	}
	_, action, _ := strings.Cut(target, ".")
	answer, err := g.send(r, call{service: service, action: action, json: true}, http.MethodPost, "/", http.Header{
		"X-Amz-Target": {target}, "Content-Type": {jsonType},
	}, body)
	if err == nil && answer.ok() {
		err = json.Unmarshal(answer.body, out)
	}
	return answer, err
}

// versions are the versions of the services that take their parameters as a form.
var versions = map[string]string{
	"ec2": "2016-11-15", "iam": "2010-05-08", "rds": "2014-10-31", "sts": "2011-06-15",
}

// askEC2 makes a call of the gateway itself to EC2.
func (g *Gateway) askEC2(r *http.Request, action string, parameters url.Values) (reply, error) {
	return g.askForm(r, "ec2", action, parameters)
}

// askForm makes a call of the gateway itself to a service that takes its parameters as a form.
func (g *Gateway) askForm(r *http.Request, service, action string, parameters url.Values) (reply, error) {
	parameters.Set("Action", action)
	parameters.Set("Version", versions[service])
	return g.send(r, call{service: service, action: action}, http.MethodPost, "/", http.Header{
		"Content-Type": {formType},
	}, []byte(parameters.Encode()))
}
