package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	servers "webstack/local/rds"
)

// fakeServers are database servers that record what is done to them.
type fakeServers struct {
	mu     sync.Mutex
	events []string
	fail   error
	// gate is waited for before anything is done.
	gate chan struct{}
}

func (f *fakeServers) note(ctx context.Context, format string, args ...any) error {
	select {
	case <-f.gate:
	case <-ctx.Done():
		return ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = append(f.events, fmt.Sprintf(format, args...))
	return f.fail
}

func (f *fakeServers) Create(ctx context.Context, _ string, spec servers.Spec) (string, error) {
	return "169.254.171.7", f.note(ctx, "create %s %s %s", spec.User, spec.Password, spec.Database)
}

func (f *fakeServers) SetPassword(ctx context.Context, _, user, password string) error {
	return f.note(ctx, "password %s %s", user, password)
}
func (f *fakeServers) Stop(ctx context.Context, _ string) error   { return f.note(ctx, "stop") }
func (f *fakeServers) Start(ctx context.Context, _ string) error  { return f.note(ctx, "start") }
func (f *fakeServers) Delete(ctx context.Context, _ string) error { return f.note(ctx, "delete") }

// takeEvents returns what was done since the last time.
func (f *fakeServers) takeEvents() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := strings.Join(f.events, ", ")
	f.events = nil
	return out
}

type rdsLab struct {
	*rds.Client
	t        *testing.T
	servers  *fakeServers
	problems *safeBuffer
}

// newRDSLab returns an account whose databases are fakes, closed at first: see fakeServers.gate.
func newRDSLab(t *testing.T) *rdsLab {
	t.Helper()
	l := &rdsLab{t: t, servers: &fakeServers{gate: make(chan struct{}, 100)}, problems: &safeBuffer{}}
	g := New(owned(Options{Log: io.Discard, Problems: l.problems, Databases: l.servers}))
	g.to, g.moto.Transport = account.gateway.to, account.gateway.to // one call at a time
	server := httptest.NewServer(g)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = g.Run(ctx) }()
	t.Cleanup(func() { server.Close(); stop(); <-done })
	c := config()
	c.BaseEndpoint = &server.URL
	l.Client = rds.NewFromConfig(c)
	return l
}

// let lets so many things be done to servers.
func (l *rdsLab) let(count int) {
	for range count {
		l.servers.gate <- struct{}{}
	}
}

func (l *rdsLab) create(id string, change func(*rds.CreateDBInstanceInput)) (*rds.CreateDBInstanceOutput, error) {
	in := &rds.CreateDBInstanceInput{
		DBInstanceIdentifier: &id, Engine: aws.String("postgres"), DBInstanceClass: aws.String("db.t4g.micro"),
		AllocatedStorage: aws.Int32(20), MasterUsername: aws.String("boss"), MasterUserPassword: aws.String("secret-enough"),
		DBName: aws.String("app"),
	}
	if change != nil {
		change(in)
	}
	return l.CreateDBInstance(l.t.Context(), in)
}

func (l *rdsLab) find(id string) types.DBInstance {
	l.t.Helper()
	out := ask(l.DescribeDBInstances(l.t.Context(), &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &id})).must(l.t)
	return out.DBInstances[0]
}

// become waits until the status is that.
func (l *rdsLab) become(id, status string) types.DBInstance {
	l.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		found := l.find(id)
		if *found.DBInstanceStatus == status {
			return found
		}
		if time.Now().After(deadline) {
			l.t.Fatalf("%s is %s, not %s", id, *found.DBInstanceStatus, status)
		}
	}
}

func TestDatabaseLifecycle(t *testing.T) {
	t.Parallel()
	l, id := newRDSLab(t), unique()
	made := ask(l.create(id, nil)).must(t).DBInstance
	if *made.DBInstanceStatus != "creating" || made.Endpoint != nil || *made.EngineVersion != databaseVersion {
		t.Errorf("made: %s at %v with %s", *made.DBInstanceStatus, made.Endpoint, *made.EngineVersion)
	}
	_, err := l.StopDBInstance(t.Context(), &rds.StopDBInstanceInput{DBInstanceIdentifier: &id})
	wantCode(t, err, "InvalidDBInstanceState", "creating")
	l.let(1)
	found := l.become(id, "available")
	if found.Endpoint == nil || *found.Endpoint.Address != "169.254.171.7" || *found.Endpoint.Port != 5432 {
		t.Errorf("the endpoint is %v", found.Endpoint)
	}
	if got := l.servers.takeEvents(); got != "create boss secret-enough app" {
		t.Error(got)
	}

	changed := ask(l.ModifyDBInstance(t.Context(), &rds.ModifyDBInstanceInput{
		DBInstanceIdentifier: aws.String(strings.ToUpper(id)), MasterUserPassword: aws.String("another-secret"),
		NewDBInstanceIdentifier: aws.String(id + "-renamed"), ApplyImmediately: aws.Bool(true),
	})).must(t).DBInstance
	id += "-renamed"
	if *changed.DBInstanceStatus != "resetting-master-credentials" {
		t.Errorf("while the password changes the database is %s", *changed.DBInstanceStatus)
	}
	l.let(1)
	l.become(id, "available")
	ask(l.RebootDBInstance(t.Context(), &rds.RebootDBInstanceInput{DBInstanceIdentifier: &id})).must(t)
	l.let(1)
	if got := *l.find(id).DBInstanceStatus; got != "rebooting" {
		t.Errorf("in the middle of a reboot the database is %s", got)
	}
	l.let(1)
	l.become(id, "available")
	ask(l.StopDBInstance(t.Context(), &rds.StopDBInstanceInput{DBInstanceIdentifier: &id})).must(t)
	l.let(1)
	l.become(id, "stopped")
	ask(l.StartDBInstance(t.Context(), &rds.StartDBInstanceInput{DBInstanceIdentifier: &id})).must(t)
	l.let(1)
	l.become(id, "available")
	ask(l.DeleteDBInstance(t.Context(), &rds.DeleteDBInstanceInput{
		DBInstanceIdentifier: &id, SkipFinalSnapshot: aws.Bool(true),
	})).must(t)
	_, err = l.DescribeDBInstances(t.Context(), &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &id})
	wantCode(t, err, "DBInstanceNotFound", id)
	l.let(1)
	want := "password boss another-secret, stop, start, stop, start, delete"
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		l.servers.mu.Lock()
		got := strings.Join(l.servers.events, ", ")
		l.servers.mu.Unlock()
		if got == want {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("done was %s\nwant %s", got, want)
		}
	}
}

func TestDatabaseThatFails(t *testing.T) {
	t.Parallel()
	l, id := newRDSLab(t), unique()
	l.servers.fail = errors.New("no room")
	ask(l.create(id, nil)).must(t)
	l.let(1)
	l.become(id, "failed")
	l.problems.waitFor(t, "creating a database: no room")
	_, err := l.RebootDBInstance(t.Context(), &rds.RebootDBInstanceInput{DBInstanceIdentifier: &id})
	wantCode(t, err, "InvalidDBInstanceState", "failed")
}

func TestDatabasesThatAreRefused(t *testing.T) {
	t.Parallel()
	l := newRDSLab(t)
	for name, change := range map[string]func(*rds.CreateDBInstanceInput){
		"password": func(in *rds.CreateDBInstanceInput) { in.MasterUserPassword = aws.String("short") },
		`'"'`:      func(in *rds.CreateDBInstanceInput) { in.MasterUserPassword = aws.String(`quote"quote`) },
		"printable": func(in *rds.CreateDBInstanceInput) {
			in.MasterUserPassword, in.ManageMasterUserPassword = nil, aws.Bool(true)
		},
		"MasterUsername is": func(in *rds.CreateDBInstanceInput) { in.MasterUsername = aws.String("a-b") },
		"reserved":          func(in *rds.CreateDBInstanceInput) { in.MasterUsername = aws.String("rdsadmin") },
		"port 5432":         func(in *rds.CreateDBInstanceInput) { in.Port = aws.Int32(5433) },
	} {
		id := unique()
		_, err := l.create(id, change)
		wantCode(t, err, "InvalidParameterValue", name)
		_, err = l.DescribeDBInstances(t.Context(), &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &id})
		wantCode(t, err, "DBInstanceNotFound", "")
	}
	_, err := l.RestoreDBInstanceFromDBSnapshot(t.Context(), &rds.RestoreDBInstanceFromDBSnapshotInput{
		DBInstanceIdentifier: aws.String(unique()), DBSnapshotIdentifier: aws.String("x"),
	})
	wantCode(t, err, "InvalidAction", "no copies")
	if got := l.servers.takeEvents(); got != "" {
		t.Error(got)
	}
}

// RDS instances without Postgres, and all if there are no servers, are left to moto.
func TestDatabasesWithoutServers(t *testing.T) {
	t.Parallel()
	l, id := newRDSLab(t), unique()
	mysql := ask(l.create(id, func(in *rds.CreateDBInstanceInput) { in.Engine = aws.String("mysql") })).must(t)
	ask(l.RebootDBInstance(t.Context(), &rds.RebootDBInstanceInput{DBInstanceIdentifier: &id})).must(t)
	l.Client, id = rds.NewFromConfig(config()), unique()
	plain := ask(l.create(id, nil)).must(t)
	for _, made := range []*types.DBInstance{mysql.DBInstance, plain.DBInstance} {
		if slices.Contains([]string{"creating", "failed"}, *made.DBInstanceStatus) ||
			!strings.HasSuffix(*l.find(*made.DBInstanceIdentifier).Endpoint.Address, ".rds.amazonaws.com") {
			t.Errorf("%s is %s", *made.DBInstanceIdentifier, *made.DBInstanceStatus)
		}
	}
	if got := l.servers.takeEvents(); got != "" {
		t.Error(got)
	}
}
