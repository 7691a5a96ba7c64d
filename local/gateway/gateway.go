package gateway

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync"
	"time"

	"webstack/local/machine"
	"webstack/local/registry"
	sessionmanager "webstack/local/session"
)

// Options are what a gateway works with.
type Options struct {
	// Moto connects to moto.
	Moto func(context.Context) (net.Conn, error)
	// AccessKeyID and SecretAccessKey belong to the account's owner, who may do everything. If they are "", there is no
	// owner.
	AccessKeyID, SecretAccessKey string
	// Log receives a line for each request: time, service, action, status and duration, never bodies or headers.
	Log io.Writer
	// Problems receives a line for each error with machines that no call waits for; Log if it is nil.
	Problems io.Writer
	// Machines run the instances. If nil, instances exist only in moto.
	Machines machine.Machines
	// Databases run the RDS instances with Postgres. If nil, those exist only in moto.
	Databases Databases
	// Images is the registry behind ECR, Hub the stand-in for Docker Hub. If Images is nil, there are no registries.
	Images, Hub *registry.Registry
	// HubKey is the password for writing to Hub; if it is "", nobody may write.
	HubKey string
	// Now returns the time; if nil, the clock is used.
	Now func() time.Time
}

// Gateway answers AWS clients. It is safe for concurrent use.
type Gateway struct {
	moto     *httputil.ReverseProxy
	to       http.RoundTripper
	owner    machine.Credentials
	log      io.Writer
	problems io.Writer
	logMu    sync.Mutex
	state    *state
	fleet    *fleet
	now      func() time.Time
	machines machine.Machines // nil if there are none
	hosting  *hosting         // likewise
	issued   *issued
	// databases is nil if there are none.
	databases *databases
	sessions  *sessionmanager.Manager // nil without machines
	images    *registry.Registry      // of ECR; nil without registries
	hub       *registry.Registry
	hubKey    string
}

// New makes a gateway.
func New(o Options) *Gateway {
	g := &Gateway{
		to: &upstream{next: transport(o.Moto)}, log: o.Log, problems: o.Problems, state: newState(),
		owner: machine.Credentials{AccessKeyID: o.AccessKeyID, SecretAccessKey: o.SecretAccessKey},
		now:   o.Now, machines: o.Machines, issued: newIssued(), images: o.Images, hub: o.Hub, hubKey: o.HubKey,
	}
	if g.problems == nil {
		g.problems = g.log
	}
	if g.now == nil {
		g.now = time.Now
	}
	if g.machines != nil {
		g.hosting = newHosting(g, g.machines)
	}
	if o.Databases != nil {
		g.databases = newDatabases(g, o.Databases)
	}
	g.openSessions()
	g.fleet = newFleet(g, g.machines, g.now)
	g.moto = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(motoURL)
			r.Out.Host = r.In.Host // part of the signature, and tells moto the bucket
		},
		Transport:     g.to,
		FlushInterval: -1,
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil { // else the client is gone
				callOf(r.Context()).unavailable(w, err)
			}
		},
	}
	return g
}

// Run does the work that no call triggers, until ctx ends, and returns when all of it has ended.
func (g *Gateway) Run(ctx context.Context) error {
	g.fleet.run(ctx)
	g.closeSessions()
	if g.hosting != nil {
		g.hosting.queue.close()
	}
	if g.databases != nil {
		g.databases.queue.close()
	}
	return nil
}

// logf writes a line about an error that no call waits for.
func (g *Gateway) logf(format string, args ...any) {
	g.logMu.Lock()
	defer g.logMu.Unlock()
	_, _ = fmt.Fprintf(g.problems, format, args...)
}

func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == faultsPath {
		g.serveFaults(w, r)
		return
	}
	g.logged(g.serve)(w, r)
}

// serve answers a request and returns what it was about.
func (g *Gateway) serve(w http.ResponseWriter, r *http.Request) call {
	if strings.HasPrefix(r.URL.Path, registryPath) {
		return g.serveRegistry(w, r)
	}
	if strings.HasPrefix(r.URL.Path, sessionmanager.Path) {
		return g.serveSession(w, r)
	}
	call, err := identify(r)
	if err != nil {
		call.fail(w, http.StatusBadRequest, "MalformedQueryString", "%v", err)
		return call
	}
	g.route(w, r.WithContext(withCall(r.Context(), call)), call)
	return call
}

// logged writes a line for each request.
func (g *Gateway) logged(serve func(http.ResponseWriter, *http.Request) call) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		recorded := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
		call := serve(recorded, r)
		g.logMu.Lock()
		defer g.logMu.Unlock()
		_, _ = fmt.Fprintf(g.log, "%s %s %s %d %s\n", begun.Format(time.RFC3339), call.service, call.action, recorded.status,
			time.Since(begun).Round(time.Millisecond))
	}
}

// handler answers a call in moto's place, or with moto's help.
type handler func(*Gateway, http.ResponseWriter, *http.Request, call)

// handlers handle the calls that the gateway does not leave to moto alone, by service and action.
var handlers = map[string]map[string]handler{
	"ec2": ec2Handlers, "ecr": ecrHandlers, "iam": iamHandlers, "rds": rdsHandlers, "s3": s3Handlers,
	"ssm": ssmHandlers, "sts": stsHandlers,
}

func (g *Gateway) route(w http.ResponseWriter, r *http.Request, c call) {
	if !g.allowed(w, r, c) || g.state.fault(w, c) || g.refused(w, r, c) {
		return
	}
	if changesIAM(c) {
		g.changeIAM(c) // what is read from here on may be outdated
		defer g.changeIAM(c)
	}
	if handle, ok := handlers[c.service][c.action]; ok {
		handle(g, w, r, c)
		return
	}
	if c.service == "ec2" {
		g.corrected(w, r, c)
		return
	}
	g.moto.ServeHTTP(w, r)
}

// changesIAM reports whether a call may change what roles may do.
func changesIAM(c call) bool {
	return c.service == "iam" && !strings.HasPrefix(c.action, "Get") && !strings.HasPrefix(c.action, "List")
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

// Unwrap lets the proxy flush.
func (s *statusRecorder) Unwrap() http.ResponseWriter { return s.ResponseWriter }
