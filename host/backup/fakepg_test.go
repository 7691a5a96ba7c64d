package backup

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"

	"webstack/contract"
	"webstack/host/command"
)

// postgres stands for Docker with servers of a Postgres that lives in this process. It knows as much SQL as a backup and a
// restore use, so a run takes milliseconds. The tests with the real Postgres show that the SQL is right.
type postgres struct {
	mu      sync.Mutex
	servers map[string]map[string]*table // by container and database
	calls   int
	// step sees each program before it runs, and its error is the program's. n counts from 1.
	step func(n int, program string) error
	// dumps changes what pg_dump of a database writes, and how it ends.
	dumps func(database string, dump []byte) ([]byte, error)
	// blind makes the filter of the seeded bad backup have no effect.
	blind bool
}

// table is the only table of a database.
type table struct {
	Owner string
	Rows  []string
}

func newPostgres() *postgres {
	live := map[string]*table{"postgres": {}, "template1": {}}
	for i, name := range []string{"app", "blog", shop} {
		t := &table{Owner: superuser}
		for n := range 50 * (i + 1) {
			t.Rows = append(t.Rows, fmt.Sprintf("%s %d", name, n))
		}
		live[name] = t
	}
	return &postgres{servers: map[string]map[string]*table{contract.PostgresService: live}}
}

// hash is what the live databases have.
func (p *postgres) hash(names ...string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all strings.Builder
	for _, name := range names {
		text, _ := json.Marshal(p.servers[contract.PostgresService][name])
		all.WriteString(name + contract.Sum(text) + "\n")
	}
	return all.String()
}

func exit(program, message string) error {
	return &command.ExitError{Program: program, Code: 1, Message: message}
}

// Run implements command.Runner.
func (p *postgres) Run(ctx context.Context, c command.Command) ([]byte, error) {
	container, args := c.Args[len(c.Args)-1], c.Args
	env := map[string]string{}
	if c.Args[0] == "exec" {
		for args = c.Args[1:]; strings.HasPrefix(args[0], "--"); args = args[1:] {
			if args[0] == "--env" {
				name, value, _ := strings.Cut(args[1], "=")
				env[name], args = value, args[1:]
			}
		}
		container, args = args[0], args[1:]
		if args[0] == "nice" {
			args = args[6:]
		}
	}
	program := args[0]
	if program == "run" {
		container = contract.BackupVerifyContainer
	}
	p.mu.Lock()
	p.calls++
	n, step := p.calls, p.step
	p.mu.Unlock()
	if step != nil {
		if err := step(n, program+" "+env["PGDATABASE"]); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("run %s: %w", program, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	server := p.servers[container]
	switch program {
	case "inspect":
		if strings.Contains(c.Args[2], "Config.Image") {
			return []byte("postgres:test sha256:test"), nil
		}
		return fmt.Appendf(nil, "%t\n", server != nil), nil
	case "rm":
		delete(p.servers, container)
		return nil, nil
	case "run":
		p.servers[container] = map[string]*table{"postgres": {}, "template1": {}}
		return nil, nil
	case "logs":
		return nil, nil
	}
	if server == nil {
		return nil, exit("docker exec", "Error: No such container: "+container)
	}
	return p.program(ctx, server, env["PGDATABASE"], args, c)
}

// program runs a program in a container.
func (p *postgres) program(ctx context.Context, server map[string]*table, name string, args []string, c command.Command) ([]byte, error) {
	db := server[name]
	if db == nil {
		return nil, exit(args[0], fmt.Sprintf("database %q does not exist", name))
	}
	switch args[0] {
	case "pg_dumpall":
		return []byte("--\nCREATE ROLE owner;\nCREATE ROLE shop;\n"), nil
	case "pg_dump":
		dump, failed := encodeDump(name, db), error(nil)
		if p.dumps != nil {
			dump, failed = p.dumps(name, dump)
		}
		_, err := c.Stdout.Write(dump)
		return nil, errors.Join(failed, err)
	case "pg_restore":
		return p.pgRestore(server, args, c)
	case "pg_amcheck":
		return nil, nil
	case "psql":
		if c.Stdout != nil {
			return nil, p.session(ctx, server, name, c)
		}
		text, err := io.ReadAll(c.Stdin)
		if err != nil {
			return nil, err
		}
		out, err := p.answer(server, name, string(text))
		return []byte(out), err
	}
	return nil, fmt.Errorf("unexpected program %s", args[0])
}

// filler makes a dump larger than a part of an upload.
var filler = func() []byte {
	out := make([]byte, 5*testPart/2)
	random := rand.NewChaCha8([32]byte{7})
	_, _ = random.Read(out)
	return out
}()

func encodeDump(name string, db *table) []byte {
	text, _ := json.Marshal(map[string]*table{name: db})
	return slices.Concat([]byte("PGDMP"), filler, []byte("\n"), text, []byte("\nEND"))
}

// decodeDump accepts any filler, so only checksums and comparisons find a changed byte in it.
func decodeDump(dump []byte) (name string, db *table, err error) {
	body, whole := bytes.CutSuffix(dump, []byte("\nEND"))
	at := bytes.LastIndexByte(body, '\n')
	all := map[string]*table{}
	if !whole || at < 0 || json.Unmarshal(body[at:], &all) != nil || len(all) != 1 {
		return "", nil, exit("pg_restore", "could not read from input file: end of file")
	}
	for name, db = range all {
	}
	return name, db, nil
}

func (p *postgres) pgRestore(server map[string]*table, args []string, c command.Command) ([]byte, error) {
	p.mu.Unlock() // the dump may come slowly
	dump, err := io.ReadAll(c.Stdin)
	p.mu.Lock()
	if err != nil {
		return nil, err
	}
	name, db, err := decodeDump(dump)
	if err != nil {
		return nil, err
	}
	into := args[len(args)-1]
	switch {
	case slices.Contains(args, "--file=-"):
		script := fmt.Sprintf("CREATE DATABASE %s;\nALTER DATABASE %s OWNER TO %s;\n", name, name, db.Owner)
		if c.Stdout != nil {
			_, err = io.WriteString(c.Stdout, script)
		}
		return []byte(script), err
	case slices.Contains(args, "--create"):
		server[name] = db
	default:
		server[strings.TrimSuffix(strings.TrimPrefix(into, "dbname='"), "'")].Rows = db.Rows
	}
	return nil, nil
}

// session answers a psql that stays.
func (p *postgres) session(ctx context.Context, server map[string]*table, name string, c command.Command) error {
	lines, statement := bufio.NewReader(c.Stdin), ""
	for {
		p.mu.Unlock()
		line, err := lines.ReadString('\n')
		p.mu.Lock()
		if err != nil || ctx.Err() != nil {
			return ctx.Err()
		}
		if line != "\\echo "+endMark+"\n" {
			statement += line
			continue
		}
		out, err := p.answer(server, name, statement)
		if err != nil {
			return err
		}
		statement = ""
		p.mu.Unlock()
		_, err = io.WriteString(c.Stdout, out+"\n"+endMark+"\n")
		p.mu.Lock()
		if err != nil {
			return nil
		}
	}
}

var (
	renameRE = regexp.MustCompile(`ALTER DATABASE (\S+) RENAME TO (\S+?);?\n`)
	createRE = regexp.MustCompile(`CREATE DATABASE (\S+?);`)
	ownerRE  = regexp.MustCompile(`ALTER DATABASE (\S+) OWNER TO (\S+?);`)
	dropRE   = regexp.MustCompile(`DROP DATABASE (?:IF EXISTS )?([^\s;]+)`)
)

func sumOf(rows []string) string {
	var sum uint64
	for _, row := range rows {
		h := fnv.New64a()
		_, _ = h.Write([]byte(row))
		sum += h.Sum64() >> 8
	}
	return fmt.Sprint(sum)
}

// answer answers SQL.
func (p *postgres) answer(server map[string]*table, name, sql string) (string, error) {
	db := server[name]
	if db == nil {
		return "", exit("psql", fmt.Sprintf("database %q does not exist", name))
	}
	count := func(rows []string) string { return fmt.Sprintf(`{"rows": %d, "hash": "%s"}`, len(rows), sumOf(rows)) }
	has := func(part string) bool { return strings.Contains(sql, part) }
	switch {
	case has("SHOW server_version"):
		return "15.18", nil
	case has("pg_export_snapshot"):
		return `{"id": "1-1", "at": "2026-11-30T03:15:00Z", "size": 1000}`, nil
	case has("'owner', pg_get_userbyid"):
		return fmt.Sprintf(`{"name": %q, "owner": %q, "encoding": "UTF8", "provider": "c", "collate": "C", "ctype": "C", "bytes": 9}`, name, db.Owner), nil
	case has("pg_extension e"), has("pg_available_extensions"), has(relations("S")):
		return "[]", nil
	case has(relations("r")):
		return `[{"schema": "public", "name": "items"}]`, nil
	case has("SELECT to_json(NOT EXISTS"):
		return "false", nil
	case has("json_agg(subname)"):
		return "[]", nil
	case has("WITH o(text)"), has("pg_largeobject"):
		return `{"rows": 1, "hash": "1"}`, nil
	case has("FROM ONLY"):
		if has(" WHERE ctid <>") && !p.blind {
			return count(db.Rows[1:]), nil
		}
		return count(db.Rows), nil
	case has("json_agg(datname"):
		names, err := json.Marshal(slices.Sorted(maps.Keys(server)))
		return string(names), err
	case has("json_agg(rolname)"):
		return `["owner", "shop"]`, nil
	}
	for _, found := range createRE.FindAllStringSubmatch(sql, -1) {
		server[unquoted(found[1])] = &table{}
	}
	for _, found := range ownerRE.FindAllStringSubmatch(sql, -1) {
		server[unquoted(found[1])].Owner = found[2]
	}
	for _, found := range dropRE.FindAllStringSubmatch(sql, -1) {
		delete(server, unquoted(found[1]))
	}
	for _, found := range renameRE.FindAllStringSubmatch(sql, -1) {
		from, to := unquoted(found[1]), unquoted(found[2])
		if server[from] == nil || server[to] != nil {
			return "", exit("psql", "cannot rename "+from+" to "+to)
		}
		server[to] = server[from]
		delete(server, from)
	}
	return "", nil
}
