package rds

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"webstack/local/dockercli"
	"webstack/local/machine"
)

// Options say what an Engine works with.
type Options struct {
	// ID is the id of the machines. Leftovers of the databases are removed together with them: see machine.Options.
	ID string
	// Image returns the name, in the Docker engine, of an image that behaves like Docker Hub's Postgres 17.
	Image func(ctx context.Context) (string, error)
	// Certificate returns a certificate for an address and its key, in PEM.
	Certificate func(address string) (certificate, key []byte, err error)
}

// Spec describes a new database.
type Spec struct {
	// User is the master user, Password is its password: printable ASCII.
	User, Password string
	// Database is created for the master user; "" creates only "postgres".
	Database string
}

// Superuser owns every server. Nobody can connect as it from outside.
const Superuser = "rdsadmin"

// Engine runs databases. Calls about different databases may be concurrent.
type Engine struct {
	options Options

	mu        sync.Mutex
	databases map[string]*server
}

type server struct {
	number    int
	container string
	// target is where it listens on this computer, "host:port"; "" while it does not listen. Guarded by the engine's mu.
	target string
}

// New returns an Engine without databases.
func New(options Options) *Engine {
	return &Engine{options: options, databases: map[string]*server{}}
}

// readyPatience is how long Postgres may take to answer: a new one sets up its data first.
const (
	readyPatience = 5 * time.Minute
	readyPoll     = 100 * time.Millisecond
)

// Create creates a database with a new id, and returns its address for machines once it answers there.
func (e *Engine) Create(ctx context.Context, id string, spec Spec) (address string, err error) {
	db, err := e.add(id)
	if err != nil {
		return "", err
	}
	if err := e.make(ctx, db, spec); err != nil {
		return "", errors.Join(fmt.Errorf("create the database %s: %w", id, err), e.Delete(context.WithoutCancel(ctx), id))
	}
	return db.address(), nil
}

func (s *server) address() string { return machine.DatabaseAddress(s.number) }

// add gives a new database the lowest free number.
func (e *Engine) add(id string) (*server, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.databases[id] != nil {
		return nil, fmt.Errorf("create the database %s: it already exists", id)
	}
	taken := map[int]bool{}
	for _, db := range e.databases {
		taken[db.number] = true
	}
	for number := 1; number <= machine.Databases; number++ {
		if !taken[number] {
			db := &server{number: number, container: machine.Name(e.options.ID, id)}
			e.databases[id] = db
			return db, nil
		}
	}
	return nil, fmt.Errorf("create the database %s: there are already %d; delete one", id, machine.Databases)
}

func (e *Engine) find(id string) (*server, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if db := e.databases[id]; db != nil {
		return db, nil
	}
	return nil, fmt.Errorf("find the database %s: it does not exist", id)
}

// SetPassword changes the password of the master user.
func (e *Engine) SetPassword(ctx context.Context, id, user, password string) error {
	db, err := e.find(id)
	if err != nil {
		return err
	}
	statement, err := alterPassword(user, password)
	if err == nil {
		err = db.run(ctx, statement)
	}
	if err != nil {
		return fmt.Errorf("change the password of the database %s: %w", id, err)
	}
	return nil
}

// stopPatience is how long Postgres may take to write everything to disk, in seconds.
const stopPatience = "90"

// Stop stops a database; its data stays. Start starts it again, at the same address.
func (e *Engine) Stop(ctx context.Context, id string) error {
	db, err := e.find(id)
	if err != nil {
		return err
	}
	e.lead(db, "")
	if _, err := dockercli.Run(ctx, "stop", "-t", stopPatience, db.container); err != nil {
		return fmt.Errorf("stop the database %s: %w", id, err)
	}
	return nil
}

// Start starts a stopped database and returns when it answers.
func (e *Engine) Start(ctx context.Context, id string) error {
	db, err := e.find(id)
	if err == nil {
		err = e.start(ctx, db)
	}
	if err != nil {
		return fmt.Errorf("start the database %s: %w", id, err)
	}
	return nil
}

// Delete removes a database with its data. An unknown one is not an error.
func (e *Engine) Delete(ctx context.Context, id string) error {
	db, err := e.find(id)
	if err != nil {
		return nil
	}
	e.lead(db, "")
	_, err = dockercli.Run(ctx, "rm", "--force", "--volumes", db.container)
	if err == nil || dockercli.Gone(err) {
		_, err = dockercli.Run(ctx, "volume", "rm", "--force", db.container)
	}
	if err != nil && !dockercli.Gone(err) {
		return fmt.Errorf("delete the database %s: %w", id, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.databases, id)
	return nil
}

// Target returns where connections to a database's address go, "host:port"; "" if nothing answers there.
func (e *Engine) Target(address string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, db := range e.databases {
		if db.address() == address {
			return db.target
		}
	}
	return ""
}

func (e *Engine) lead(db *server, target string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	db.target = target
}
