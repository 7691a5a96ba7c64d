package gateway

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"webstack/local/rds"
)

var rdsHandlers = map[string]handler{
	"CreateDBInstance":                (*Gateway).createDBInstance,
	"ModifyDBInstance":                (*Gateway).modifyDBInstance,
	"DeleteDBInstance":                (*Gateway).deleteDBInstance,
	"StopDBInstance":                  (*Gateway).powerDBInstance,
	"StartDBInstance":                 (*Gateway).powerDBInstance,
	"RebootDBInstance":                (*Gateway).powerDBInstance,
	"DescribeDBInstances":             (*Gateway).correctedDatabases,
	"CreateDBInstanceReadReplica":     (*Gateway).copyDBInstance,
	"RestoreDBInstanceFromDBSnapshot": (*Gateway).copyDBInstance,
	"RestoreDBInstanceToPointInTime":  (*Gateway).copyDBInstance,
}

// Databases run the instances of RDS. See package rds.
type Databases interface {
	Create(ctx context.Context, id string, spec rds.Spec) (address string, err error)
	SetPassword(ctx context.Context, id, user, password string) error
	Stop(ctx context.Context, id string) error
	Start(ctx context.Context, id string) error
	Delete(ctx context.Context, id string) error
}

// databasePort is the only port that databases listen on.
const databasePort = "5432"

// databaseVersion is the default version.
const databaseVersion = "17"

// databases makes servers follow what happens to RDS instances. Answers do not wait for it, as on AWS.
type databases struct {
	gateway *Gateway
	servers Databases
	queue   *queue

	mu    sync.Mutex
	known map[string]*databaseState // by region and identifier
}

// databaseState is what is known about a server. moto knows the rest.
type databaseState struct {
	id, user string
	// pending is the status while something is done; "" when nothing is.
	pending string
	// address is "" until the server has answered.
	address string
}

// failedStatus is the status of an RDS instance whose server could not be changed as requested.
const failedStatus = "failed"

func newDatabases(g *Gateway, servers Databases) *databases {
	return &databases{gateway: g, servers: servers, queue: newQueue(), known: map[string]*databaseState{}}
}

// databaseKey returns the key of an RDS instance; RDS ignores case.
func databaseKey(region, identifier string) string { return region + "/" + strings.ToLower(identifier) }

func (c call) databaseKey() string { return databaseKey(c.region, c.form.Get("DBInstanceIdentifier")) }

// find returns the RDS instance that a call is about, and its status while it is being changed; nil if it has no
// server.
func (d *databases) find(c call) (state *databaseState, pending string) {
	if d == nil {
		return nil, ""
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if state = d.known[c.databaseKey()]; state != nil {
		pending = state.pending
	}
	return state, pending
}

// do queues a change of a server and shows status until it is done. A failure is logged, because nobody waits for it.
func (d *databases) do(state *databaseState, status string, job func(ctx context.Context) error) {
	d.mu.Lock()
	state.pending = status
	d.mu.Unlock()
	d.queue.add(func(ctx context.Context) {
		err := job(ctx)
		if ctx.Err() != nil {
			return
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		if state.pending == status {
			state.pending = ""
		}
		if err != nil {
			state.pending = failedStatus
			d.gateway.logf("%s a database: %v\n", status, err)
		}
	}, state.id)
}

// createDBInstance creates a server for an RDS instance with Postgres.
func (g *Gateway) createDBInstance(w http.ResponseWriter, r *http.Request, c call) {
	if g.databases == nil || !strings.EqualFold(c.form.Get("Engine"), "postgres") || c.form.Has("DBClusterIdentifier") {
		g.moto.ServeHTTP(w, r)
		return
	}
	spec := rds.Spec{
		User: c.form.Get("MasterUsername"), Password: c.form.Get("MasterUserPassword"), Database: c.form.Get("DBName"),
	}
	if p := checkDatabase(spec, c.form.Get("Port")); p != nil {
		c.refuse(w, p)
		return
	}
	if !c.form.Has("EngineVersion") { // moto's default is a very old version
		c.form.Set("EngineVersion", databaseVersion)
		c.body = []byte(c.form.Encode())
	}
	g.databaseCall(w, r, c, func() {
		id := make([]byte, 8)
		_, _ = rand.Read(id) // never fails: see crypto/rand
		state := &databaseState{id: "db-" + hex.EncodeToString(id), user: spec.User}
		g.databases.mu.Lock()
		g.databases.known[c.databaseKey()] = state
		g.databases.mu.Unlock()
		g.databases.do(state, "creating", func(ctx context.Context) error {
			address, err := g.databases.servers.Create(ctx, state.id, spec)
			g.databases.mu.Lock()
			defer g.databases.mu.Unlock()
			state.address = address
			return err
		})
	})
}

var (
	masterUser     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}$`)
	masterPassword = regexp.MustCompile("^[!-~]{8,128}$") // printable ASCII
)

// checkDatabase reports what RDS, or a server here, would not accept.
func checkDatabase(spec rds.Spec, port string) *problem {
	switch {
	case port != "" && port != databasePort:
		return wrong("InvalidParameterValue", "The laptop cloud's databases listen only on port %s.", databasePort)
	case !masterUser.MatchString(spec.User):
		return wrong("InvalidParameterValue", "The parameter MasterUsername is not valid.")
	case strings.HasPrefix(spec.User, "pg_") || strings.HasPrefix(spec.User, "rds_") || spec.User == rds.Superuser:
		return wrong("InvalidParameterValue", "MasterUsername %s cannot be used as it is a reserved word used by the engine",
			spec.User)
	}
	return checkPassword(spec.Password)
}

func checkPassword(password string) *problem {
	if !masterPassword.MatchString(password) || strings.ContainsAny(password, `/@"`) {
		return wrong("InvalidParameterValue", "The parameter MasterUserPassword is not a valid password: it has 8 to 128 "+
			`printable ASCII characters besides '/', '@', '"' and ' '.`)
	}
	return nil
}

// databaseCall forwards a call, calls follow if it succeeds, and answers.
func (g *Gateway) databaseCall(w http.ResponseWriter, r *http.Request, c call, follow func()) {
	answer, err := g.forward(r, c)
	if err != nil {
		c.unavailable(w, err)
		return
	}
	if answer.ok() {
		follow()
		g.databases.correct(c.region, &answer)
	}
	answer.write(w)
}

func (g *Gateway) correctedDatabases(w http.ResponseWriter, r *http.Request, c call) {
	g.databaseCall(w, r, c, func() {})
}

// idleDatabase returns the database that a call is about. If only moto knows the database, or it cannot be changed now,
// idleDatabase answers the call.
func (g *Gateway) idleDatabase(w http.ResponseWriter, r *http.Request, c call) (state *databaseState, ok bool) {
	state, pending := g.databases.find(c)
	switch {
	case state == nil:
		g.moto.ServeHTTP(w, r)
	case pending != "":
		c.fail(w, http.StatusBadRequest, "InvalidDBInstanceState", "Instance %s is not in available state: it is %s",
			c.form.Get("DBInstanceIdentifier"), pending)
	default:
		return state, true
	}
	return nil, false
}

func (g *Gateway) modifyDBInstance(w http.ResponseWriter, r *http.Request, c call) {
	state, ok := g.idleDatabase(w, r, c)
	if !ok {
		return
	}
	password, port := c.form.Get("MasterUserPassword"), c.form.Get("DBPortNumber")
	if port != "" && port != databasePort {
		c.refuse(w, wrong("InvalidParameterValue", "The laptop cloud's databases listen only on port %s.", databasePort))
		return
	}
	if p := checkPassword(password); password != "" && p != nil {
		c.refuse(w, p)
		return
	}
	g.databaseCall(w, r, c, func() {
		if renamed := c.form.Get("NewDBInstanceIdentifier"); renamed != "" {
			g.databases.mu.Lock()
			delete(g.databases.known, c.databaseKey())
			g.databases.known[databaseKey(c.region, renamed)] = state
			g.databases.mu.Unlock()
		}
		if password != "" {
			g.databases.do(state, "resetting-master-credentials", func(ctx context.Context) error {
				return g.databases.servers.SetPassword(ctx, state.id, state.user, password)
			})
		}
	})
}

func (g *Gateway) deleteDBInstance(w http.ResponseWriter, r *http.Request, c call) {
	state, _ := g.databases.find(c)
	if state == nil {
		g.moto.ServeHTTP(w, r)
		return
	}
	g.databaseCall(w, r, c, func() {
		g.databases.do(state, "deleting", func(ctx context.Context) error {
			return g.databases.servers.Delete(ctx, state.id)
		})
		g.databases.mu.Lock()
		defer g.databases.mu.Unlock()
		delete(g.databases.known, c.databaseKey())
	})
}

// powerDBInstance stops, starts and reboots.
func (g *Gateway) powerDBInstance(w http.ResponseWriter, r *http.Request, c call) {
	state, ok := g.idleDatabase(w, r, c)
	if !ok {
		return
	}
	stop := func(ctx context.Context) error { return g.databases.servers.Stop(ctx, state.id) }
	start := func(ctx context.Context) error { return g.databases.servers.Start(ctx, state.id) }
	g.databaseCall(w, r, c, func() {
		switch c.action {
		case "StopDBInstance":
			g.databases.do(state, "stopping", stop)
		case "StartDBInstance":
			g.databases.do(state, "starting", start)
		case "RebootDBInstance":
			g.databases.do(state, "rebooting", func(ctx context.Context) error {
				if err := stop(ctx); err != nil {
					return err
				}
				return start(ctx)
			})
		}
	})
}

// copyDBInstance rejects creating an RDS instance from another one's data, because no copies are kept.
func (g *Gateway) copyDBInstance(w http.ResponseWriter, r *http.Request, c call) {
	if g.databases == nil {
		g.moto.ServeHTTP(w, r)
		return
	}
	c.refuse(w, wrong("InvalidAction", "The laptop cloud does not support the action %s of rds: it keeps no copies of a "+
		"database's data.", c.action))
}

var (
	databaseItem       = regexp.MustCompile(`(?s)<DBInstance>.*?</DBInstance>`)
	databaseIdentifier = regexp.MustCompile(`<DBInstanceIdentifier>([^<]+)<`)
	databaseStatus     = regexp.MustCompile(`<DBInstanceStatus>[^<]*</DBInstanceStatus>`)
	databaseEndpoint   = regexp.MustCompile(`(?s)<Endpoint>.*?</Endpoint>`)
)

// correct adds to an answer of RDS the status of the servers and where they answer. A server that is being created has no
// endpoint.
func (d *databases) correct(region string, answer *reply) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	answer.body = databaseItem.ReplaceAllFunc(answer.body, func(item []byte) []byte {
		found := databaseIdentifier.FindSubmatch(item)
		if found == nil {
			return item
		}
		state := d.known[databaseKey(region, string(found[1]))]
		if state == nil {
			return item
		}
		if state.pending != "" {
			item = databaseStatus.ReplaceAllLiteral(item, []byte("<DBInstanceStatus>"+state.pending+"</DBInstanceStatus>"))
		}
		endpoint := ""
		if state.address != "" {
			endpoint = fmt.Sprintf("<Endpoint><Address>%s</Address><Port>%s</Port></Endpoint>", state.address, databasePort)
		}
		return databaseEndpoint.ReplaceAllLiteral(item, []byte(endpoint))
	})
}
