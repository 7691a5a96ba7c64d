package gateway

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"webstack/local/machine"
)

const (
	// commandWorkers and associationWorkers are how many documents an agent runs at a time.
	commandWorkers     = 5
	associationWorkers = 1
	// beat is how often the fleet checks whether something is due, and slow after how many idle beats it asks which
	// instances exist.
	beat = time.Second
	slow = 10
)

// fleet runs documents on the account's machines: those of commands, and those of associations.
type fleet struct {
	gateway  *Gateway
	machines machine.Machines // nil if there are none
	now      func() time.Time
	// wakeUp is written to when something may be due before the next beat.
	wakeUp chan struct{}

	ctx  context.Context // of what runs
	stop context.CancelFunc
	runs sync.WaitGroup

	mu       sync.Mutex
	agents   map[string]*agent   // by instance
	commands map[string]*command // by id
	history  []*command          // the oldest first
	managed  map[string]*managed // by association
}

// agent is what is known about a machine's SSM agent.
type agent struct {
	registered, lastPing   time.Time
	platform, version      string
	reason                 string        // why it does nothing, "" if it works
	commands, associations chan struct{} // its workers
}

func newFleet(g *Gateway, machines machine.Machines, now func() time.Time) *fleet {
	ctx, stop := context.WithCancel(context.Background())
	return &fleet{
		gateway: g, machines: machines, now: now, wakeUp: make(chan struct{}, 1), ctx: ctx, stop: stop,
		agents: map[string]*agent{}, commands: map[string]*command{}, managed: map[string]*managed{},
	}
}

// run applies associations until ctx ends, and then stops everything that is running.
func (f *fleet) run(ctx context.Context) {
	defer f.runs.Wait()
	defer f.stop()
	ticks := time.NewTicker(beat)
	defer ticks.Stop()
	for beats := 0; ; {
		woken := false
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
			beats++
		case <-f.wakeUp:
			woken = true
		}
		if f.machines != nil && (woken || beats%slow == 0 || f.anyDue()) {
			f.keepAssociations(ctx)
		}
	}
}

// wake makes the fleet look at once.
func (f *fleet) wake() {
	select {
	case f.wakeUp <- struct{}{}:
	default: // it is about to look anyway
	}
}

// agentOf returns what is known about a machine's agent.
func (f *fleet) agentOf(instanceID string) *agent {
	f.mu.Lock()
	defer f.mu.Unlock()
	found, ok := f.agents[instanceID]
	if !ok {
		found = &agent{
			commands:     make(chan struct{}, commandWorkers),
			associations: make(chan struct{}, associationWorkers),
		}
		f.agents[instanceID] = found
	}
	return found
}

// online reports whether the machine can take commands, and records that it could.
func (f *fleet) online(ctx context.Context, region, instanceID string) bool {
	if f.machines == nil || !f.machines.Running(ctx, instanceID) || !f.allowedAgent(ctx, region, instanceID) {
		return false
	}
	known := f.agentOf(instanceID)
	f.mu.Lock()
	defer f.mu.Unlock()
	known.lastPing = f.now()
	if known.registered.IsZero() {
		known.registered = known.lastPing
	}
	return true
}

// registered reports whether the machine's agent has ever answered.
func (f *fleet) registered(ctx context.Context, region, instanceID string) bool {
	if f.online(ctx, region, instanceID) {
		return true
	}
	known := f.agentOf(instanceID)
	f.mu.Lock()
	defer f.mu.Unlock()
	return !known.registered.IsZero()
}

// host is an instance as EC2 knows it.
type host struct {
	ID        string `xml:"instanceId"`
	State     string `xml:"instanceState>name"`
	PrivateIP string `xml:"privateIpAddress"`
	Profile   string `xml:"iamInstanceProfile>arn"`
	Tags      []struct {
		Key   string `xml:"key"`
		Value string `xml:"value"`
	} `xml:"tagSet>item"`
}

func (h host) tag(key string) (string, bool) {
	for _, t := range h.Tags {
		if t.Key == key {
			return t.Value, true
		}
	}
	return "", false
}

// gone reports whether the instance is terminated or terminating.
func (h host) gone() bool { return h.State == "terminated" || h.State == "shutting-down" }

// matches reports whether the instance is one of the targets: all of them, by any of their values.
func (h host) matches(targets []target) bool {
	return len(targets) > 0 && !slices.ContainsFunc(targets, func(t target) bool { return !h.matchesOne(t) })
}

func (h host) matchesOne(t target) bool {
	const tagPrefix = "tag:"
	switch {
	case t.Key == "InstanceIds":
		return slices.Contains(t.Values, h.ID) || slices.Contains(t.Values, "*")
	case t.Key == "tag-key":
		return slices.ContainsFunc(t.Values, func(key string) bool { _, has := h.tag(key); return has })
	case len(t.Key) > len(tagPrefix) && t.Key[:len(tagPrefix)] == tagPrefix:
		value, has := h.tag(t.Key[len(tagPrefix):])
		return has && slices.Contains(t.Values, value)
	default:
		return false
	}
}

// hosts returns a region's instances that are not gone.
func (f *fleet) hosts(ctx context.Context, region string) ([]host, error) {
	answer, err := f.gateway.askEC2(internal(ctx, region), "DescribeInstances", url.Values{})
	if err != nil {
		return nil, err
	}
	if !answer.ok() {
		return nil, fmt.Errorf("ask moto for the instances in %s: it answered with status %d", region, answer.status)
	}
	var out struct {
		Hosts []host `xml:"reservationSet>item>instancesSet>item"`
	}
	if err := xml.Unmarshal(answer.body, &out); err != nil {
		return nil, fmt.Errorf("read the instances in %s: %w", region, err)
	}
	return slices.DeleteFunc(out.Hosts, host.gone), nil
}

// internal returns a request of the gateway itself, without a client.
func internal(ctx context.Context, region string) *http.Request {
	request, err := http.NewRequestWithContext(withCall(ctx, call{service: "ssm", region: region}), http.MethodPost, "/", nil)
	if err != nil {
		panic("gateway: a request with a fixed address cannot fail: " + err.Error())
	}
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=LAPTOP/20260101/"+region+
		"/ssm/aws4_request, SignedHeaders=host, Signature=none")
	return request
}

// stored gets a parameter for a document, which may use all except secrets.
func (f *fleet) stored(region, instanceID string) func(context.Context, string) (string, error) {
	return func(ctx context.Context, name string) (string, error) {
		if err := f.mayRead(ctx, region, instanceID, name); err != nil {
			return "", err
		}
		var out struct{ Parameter struct{ Type, Value string } }
		answer, err := f.gateway.ask(internal(ctx, region), "GetParameter", map[string]string{"Name": name}, &out)
		switch {
		case err != nil:
			return "", err
		case !answer.ok():
			return "", errors.New("there is none")
		case out.Parameter.Type == "SecureString":
			return "", errors.New("documents cannot use a SecureString")
		default:
			return out.Parameter.Value, nil
		}
	}
}

// fetch gets an object from S3.
func (f *fleet) fetch(region, instanceID string) func(ctx context.Context, bucket, key string) ([]byte, error) {
	return func(ctx context.Context, bucket, key string) ([]byte, error) {
		if err := f.may(ctx, region, instanceID, objectRight("GetObject", bucket, key)); err != nil {
			return nil, err
		}
		request := internal(ctx, region)
		request.Host = motoURL.Host
		address := (&url.URL{Path: "/" + bucket + "/" + key}).EscapedPath()
		answer, err := f.gateway.send(request, call{service: "s3", region: region, action: "GetObject"}, http.MethodGet, address,
			request.Header, nil)
		if err == nil && !answer.ok() {
			err = fmt.Errorf("get s3://%s/%s: S3 answered with status %d", bucket, key, answer.status)
		}
		return answer.body, err
	}
}
