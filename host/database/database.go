package database

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"webstack/contract"
)

// Maintenance is the database in which statements about roles and databases run. Every Postgres has it.
const Maintenance = "postgres"

// Template is the database that new ones are copied from by default. What an app leaves in it would be in all of them.
const Template = "template1"

// Server is a Postgres server, used as its superuser.
type Server interface {
	// Adopt makes sure that the superuser has the configured name, or says how to achieve that. out gets a line when the
	// name changes.
	Adopt(ctx context.Context, out io.Writer) error
	// Value runs a query that returns one row with one text.
	Value(ctx context.Context, query string) (string, error)
	// Exec runs each statement in its own transaction, and stops at the first that fails.
	Exec(ctx context.Context, statements ...string) error
	// Differ returns those of the given roles whose password is not the given one.
	Differ(ctx context.Context, passwords map[string]string) ([]string, error)
}

// App is an app's database, and the role with the same name that owns it.
type App struct {
	// Name is the name of the app, Database that of its database and role.
	Name, Database string
	// Password is the role's password, in ASCII.
	Password string
	// Connections is how many connections the role may hold, 0 for a share of the remaining ones.
	Connections int
}

// Options configure Ensure.
type Options struct {
	Server Server
	// Superuser is the role that is used. It owns DefaultDb, a database in addition to those of the apps.
	Superuser, DefaultDb string
	// SuperuserPassword is set if it differs; "" leaves it unchanged.
	SuperuserPassword string
	Apps              []App
	// Out gets a line for each change. Passwords are never shown.
	Out io.Writer
}

// Done is the result of Ensure.
type Done struct {
	// Problems are the errors, by app.
	Problems map[string]error
	// Usable is how many connections all apps have together, Largest is the largest limit of an app.
	Usable, Largest int
}

// Ensure creates roles and databases, closes each database to everybody except its owner, and limits the connections of
// each role. A failure for one app does not affect the others. If nothing differs, it only reads.
func Ensure(ctx context.Context, o Options) (Done, error) {
	if err := o.Server.Adopt(ctx, o.Out); err != nil {
		return Done{}, err
	}
	s, err := readState(ctx, o)
	if err != nil {
		return Done{}, err
	}
	if err := s.ensureOwn(ctx); err != nil {
		return Done{}, err
	}
	done := Done{Problems: map[string]error{}, Usable: s.usable()}
	limits := s.limits()
	for i, app := range o.Apps {
		done.Largest = max(done.Largest, limits[i])
		if err := s.ensureApp(ctx, app, limits[i]); err != nil {
			done.Problems[app.Name] = fmt.Errorf("create the database of %s: %w", app.Name, err)
		}
		if ctx.Err() != nil {
			return Done{}, ctx.Err()
		}
	}
	return done, nil
}

// state is what the server has.
type state struct {
	Options   `json:"-"`
	Roles     map[string]roleState     `json:"roles"`
	Databases map[string]databaseState `json:"databases"`
	Slots     slots                    `json:"slots"`
	differ    []string
}

// slots are how many connections the server accepts in total, and how many of them it reserves for superusers and
// others.
type slots struct {
	Most     int `json:"most"`
	Reserved int `json:"reserved"`
}

type roleState struct {
	Login bool `json:"login"`
	// Limit is how many connections the role may hold, -1 for any number.
	Limit int `json:"limit"`
	// Member is true if the superuser has the rights of this role. A real superuser has those of every role; that of a
	// managed service has the rights of a role that it has created only if they are granted.
	Member bool `json:"member"`
}

type databaseState struct {
	Owner string `json:"owner"`
	// Open is true if every role may connect.
	Open bool `json:"open"`
	// Mine is true if the superuser may change it; it may not change a managed service's own databases.
	Mine bool `json:"mine"`
}

// stateQuery reads everything at once: a host may have 200 apps.
const stateQuery = `SELECT json_build_object(
 'roles', (SELECT json_object_agg(rolname, json_build_object('login', rolcanlogin, 'limit', rolconnlimit,
   'member', pg_has_role(oid, 'USAGE'))) FROM pg_roles),
 'databases', (SELECT json_object_agg(datname, json_build_object('owner', pg_get_userbyid(datdba),
   'open', has_database_privilege('public', oid, 'CONNECT'), 'mine', pg_has_role(datdba, 'USAGE'))) FROM pg_database),
 'slots', ` + slotsQuery + `)::text`

// slotsQuery reads slots. Settings that a version or a service does not have count as 0.
const slotsQuery = `json_build_object('most', current_setting('max_connections')::int,
   'reserved', (SELECT coalesce(sum(setting::int), 0) FROM pg_settings WHERE name IN
     ('superuser_reserved_connections', 'reserved_connections', 'rds.rds_superuser_reserved_connections')))`

// usable returns how many connections all apps have together.
func (s slots) usable() int { return s.Most - max(s.Reserved, contract.ReservedConnections) }

func (s *state) usable() int { return s.Slots.usable() }

// limits returns the limits of the apps, in their order.
func (s *state) limits() []int {
	wanted := make([]int, 0, len(s.Apps))
	for _, app := range s.Apps {
		wanted = append(wanted, app.Connections)
	}
	return contract.ConnectionLimits(s.usable(), wanted)
}

func readState(ctx context.Context, o Options) (*state, error) {
	text, err := o.Server.Value(ctx, stateQuery)
	if err != nil {
		return nil, fmt.Errorf("read roles and databases: %w", err)
	}
	s := &state{Options: o}
	if err := json.Unmarshal([]byte(text), s); err != nil {
		return nil, fmt.Errorf("read roles and databases: %w", err)
	}
	passwords := map[string]string{}
	if o.SuperuserPassword != "" {
		passwords[o.Superuser] = o.SuperuserPassword
	}
	for _, app := range o.Apps {
		if role, ok := s.Roles[app.Database]; ok && role.Login && s.checkName(app.Database) == nil {
			passwords[app.Database] = app.Password
		}
	}
	if s.differ, err = o.Server.Differ(ctx, passwords); err != nil {
		return nil, fmt.Errorf("compare passwords: %w", err)
	}
	return s, nil
}

// ensureOwn sets up everything that does not belong to an app.
func (s *state) ensureOwn(ctx context.Context) error {
	var statements []string
	if slices.Contains(s.differ, s.Superuser) {
		set, err := passwordOf(s.SuperuserPassword)
		if err != nil {
			return err
		}
		statements = append(statements, "ALTER ROLE "+Identifier(s.Superuser)+" PASSWORD "+set)
		s.say("changed the password of the superuser %s", s.Superuser)
	}
	if _, ok := s.Databases[s.DefaultDb]; !ok {
		statements = append(statements, createDatabase(s.DefaultDb, s.Superuser), closeDatabase(s.DefaultDb))
		s.say("created the database %s", s.DefaultDb)
	}
	for _, name := range slices.Compact(slices.Sorted(slices.Values([]string{Maintenance, Template, s.DefaultDb}))) {
		if found := s.Databases[name]; found.Open && found.Mine {
			statements = append(statements, closeDatabase(name))
			s.say("closed the database %s to all apps", name)
		}
	}
	if len(statements) == 0 {
		return nil
	}
	if err := s.Server.Exec(ctx, statements...); err != nil {
		return fmt.Errorf("set up Postgres: %w", err)
	}
	return nil
}

func (s *state) ensureApp(ctx context.Context, app App, limit int) error {
	if err := s.checkName(app.Database); err != nil {
		return err
	}
	statements, err := s.role(app, limit)
	if err != nil {
		return err
	}
	statements = append(statements, s.database(app)...)
	if len(statements) == 0 {
		return nil
	}
	return s.Server.Exec(ctx, statements...)
}

// checkName refuses names that would give a role or database of the server itself to an app.
func (s *state) checkName(name string) error {
	if slices.Contains([]string{s.Superuser, s.DefaultDb, Maintenance, Template, "template0"}, name) ||
		strings.HasPrefix(name, "pg_") {
		return fmt.Errorf("the name %q belongs to Postgres itself; rename the app", name)
	}
	return nil
}

func (s *state) role(app App, limit int) ([]string, error) {
	name := Identifier(app.Database)
	role, exists := s.Roles[app.Database]
	var statements []string
	if !exists || !role.Login || slices.Contains(s.differ, app.Database) {
		set, err := passwordOf(app.Password)
		if err != nil {
			return nil, err
		}
		verb := "ALTER"
		if !exists {
			verb = "CREATE"
		}
		statements = append(statements, verb+" ROLE "+name+" LOGIN PASSWORD "+set)
		s.say("%s the role %s with its password", map[bool]string{true: "changed", false: "created"}[exists], app.Database)
	}
	if !exists || role.Limit != limit {
		statements = append(statements, fmt.Sprintf("ALTER ROLE %s CONNECTION LIMIT %d", name, limit))
		s.say("limited the role %s to %d connections", app.Database, limit)
	}
	if !exists || !role.Member {
		// Only a member may give a database to the role. A real superuser does not need the membership, but it does no harm.
		statements = append(statements, "GRANT "+name+" TO CURRENT_USER")
	}
	return statements, nil
}

func (s *state) database(app App) []string {
	name := Identifier(app.Database)
	found, exists := s.Databases[app.Database]
	if !exists {
		s.say("created the database %s", app.Database)
		return []string{createDatabase(app.Database, app.Database), closeDatabase(app.Database)}
	}
	var statements []string
	if found.Owner != app.Database {
		statements = append(statements, "ALTER DATABASE "+name+" OWNER TO "+name)
		s.say("made the role of the database %s its owner", app.Database)
	}
	if found.Open {
		statements = append(statements, closeDatabase(app.Database))
		s.say("closed the database %s to the other apps", app.Database)
	}
	return statements
}

func (s *state) say(format string, args ...any) { _, _ = fmt.Fprintf(s.Out, format+"\n", args...) }

// createDatabase copies template0, which nobody can connect to and nobody has changed.
func createDatabase(name, owner string) string {
	return "CREATE DATABASE " + Identifier(name) + " OWNER " + Identifier(owner) + " TEMPLATE template0"
}

func closeDatabase(name string) string {
	return "REVOKE CONNECT, TEMPORARY ON DATABASE " + Identifier(name) + " FROM PUBLIC"
}

func passwordOf(password string) (string, error) {
	v, err := Verifier(password)
	return Literal(v), err
}

// Identifier quotes a name for SQL.
func Identifier(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// Literal quotes a text for SQL.
func Literal(text string) string { return `'` + strings.ReplaceAll(text, `'`, `''`) + `'` }
