package gateway

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"
)

// maxInspected bounds what is read of a request or a response to look into it, in bytes. Uploads go through unread.
const maxInspected = 1 << 20

// Gateway answers AWS clients.
type Gateway struct {
	moto  *httputil.ReverseProxy
	url   *url.URL
	log   io.Writer
	state *state
}

// New makes a gateway in front of the moto at that URL. It writes a line for each request to log: time, service, action,
// status and duration, never bodies or headers.
func New(moto *url.URL, log io.Writer) *Gateway {
	g := &Gateway{url: moto, log: log, state: newState()}
	g.moto = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(moto)
			r.Out.Host = r.In.Host // part of what was signed, and moto's clue to the bucket
		},
		ModifyResponse: unknownAction,
		FlushInterval:  -1,
	}
	return g
}

func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begun := time.Now()
	call, err := identify(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	recorded := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
	g.route(recorded, r.WithContext(withCall(r.Context(), call)), call)
	_, _ = fmt.Fprintf(g.log, "%s %s %s %d %s\n", begun.Format(time.RFC3339), call.service, call.action, recorded.status,
		time.Since(begun).Round(time.Millisecond))
}

func (g *Gateway) route(w http.ResponseWriter, r *http.Request, c call) {
	switch {
	case r.URL.Path == faultsPath:
		g.state.serveFaults(w, r)
	case g.state.fault(w, c):
	case c.service == "ssm":
		g.ssm(w, r, c)
	case c.service == "s3" && c.subresource("policy"):
		g.bucketPolicy(w, r)
	case c.service == "s3" && c.action == "DeleteBucket":
		g.moto.ServeHTTP(w, r)
		g.state.forgetPolicy(bucketOf(r))
	default:
		g.moto.ServeHTTP(w, r)
	}
}

// do sends a request of the gateway's own to moto, signed by nobody: moto checks no signatures.
func (g *Gateway) do(r *http.Request, method, path string, header http.Header, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(r.Context(), method, g.url.String()+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header = header.Clone()
	request.Host = r.Host
	return http.DefaultClient.Do(request)
}

// statusRecorder remembers the status for the log.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (s *statusRecorder) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap lets the proxy flush and hijack.
func (s *statusRecorder) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// unknownAction turns moto's page for an action it does not have into the error that AWS gives.
func unknownAction(response *http.Response) error {
	if response.StatusCode != http.StatusInternalServerError ||
		!strings.HasPrefix(response.Header.Get("Content-Type"), "text/html") {
		return nil
	}
	c := callOf(response.Request.Context())
	_ = response.Body.Close()
	body, contentType := c.errorBody("InvalidAction", "the laptop cloud does not have the action "+c.action)
	response.StatusCode, response.Status = http.StatusBadRequest, ""
	response.Body = io.NopCloser(strings.NewReader(body))
	response.ContentLength = int64(len(body))
	response.Header = http.Header{"Content-Type": {contentType}}
	return nil
}
