package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"

	"webstack/config"
	"webstack/contract"
	"webstack/internal/operate"
)

// Names of the containers that are not apps.
const (
	postgresService = "postgres"
	caddyService    = "caddy"
)

var postgresChecks = []check{
	{phase: 4, name: "postgres.ready", looked: "pg_isready on the host", run: checkPostgresReady},
	{phase: 4, name: "postgres.private", looked: "who can reach Postgres", run: checkPostgresPrivate},
	{phase: 4, name: "postgres.connections", looked: "connections to Postgres", run: checkConnections},
	{phase: 4, name: "postgres.apps", looked: "a connection as the app", when: hasApps, run: checkAppConnections},
}

func checkPostgresReady(ctx context.Context, w *world) ([]finding, error) {
	status, err := w.status(ctx)
	if err != nil {
		return nil, err
	}
	where, do := "in its container", "webstack shell, then: docker logs --tail 50 "+postgresService
	if w.config.EnableExternalPostgres {
		where, do = "on RDS", "aws rds describe-db-instances --region "+w.region+" --db-instance-identifier "+w.database()
	}
	if !status.PostgresReady {
		return []finding{failed("", do, "it does not accept connections %s", where)}, nil
	}
	return []finding{passed("", "it accepts connections %s", where)}, nil
}

// database is the name of the RDS instance.
func (w *world) database() string {
	return contract.DatabaseIdentifier(contract.NamePrefix(w.project, w.stack))
}

func checkPostgresPrivate(ctx context.Context, w *world) ([]finding, error) {
	if w.config.EnableExternalPostgres {
		instance, err := w.rdsInstance(ctx)
		if err != nil {
			return nil, err
		}
		if aws.ToBool(instance.PubliclyAccessible) {
			return []finding{failed("", w.again(), "%s is publicly accessible", w.database())}, nil
		}
		return []finding{passed("", "%s can be reached only within the VPC", w.database())}, nil
	}
	status, err := w.status(ctx)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(status.Services, func(s contract.ServiceStatus) bool { return s.Name == postgresService })
	if at < 0 {
		return []finding{failed("", w.again(), "there is no container %s", postgresService)}, nil
	}
	if ports := status.Services[at].Ports; len(ports) > 0 {
		return []finding{failed("", w.again(), "its container publishes %s", strings.Join(ports, ", "))}, nil
	}
	return []finding{passed("", "its container publishes no port")}, nil
}

// warnUsed is the share of connections in use from which on verify warns, in percent.
const warnUsed = 80

// crowded reports whether the connections in use come close to the limit.
func crowded(used, limit int) bool { return limit > 0 && 100*used >= warnUsed*limit }

func checkConnections(ctx context.Context, w *world) ([]finding, error) {
	status, err := w.status(ctx)
	if err != nil {
		return nil, err
	}
	c := status.Connections
	if c == nil {
		return nil, &dependsOn{check: "postgres.ready", err: errNoAnswer}
	}
	used := 0
	for _, app := range status.Apps {
		if app.Database != nil {
			used += max(app.Database.Used, app.Database.Sockets)
		}
	}
	found := fmt.Sprintf("the apps hold %d of %d", used, c.Limit)
	switch {
	case !c.Guarded:
		return []finding{warned("", "webstack shell, then: sudo systemctl restart webstack-connections; journalctl -u "+
			"webstack-connections", "%s; an app that sends no password can take all: the kernel does not limit them", found)}, nil
	case crowded(used, c.Limit):
		return []finding{warned("", "find the app with the most: webstack status --stack "+w.stack+"; lower the size of its pool",
			"%s", found)}, nil
	}
	return []finding{passed("", "%s", found)}, nil
}

func checkAppConnections(ctx context.Context, w *world) ([]finding, error) {
	status, err := w.status(ctx)
	if err != nil {
		return nil, err
	}
	if status.Connections == nil {
		return nil, &dependsOn{check: "postgres.ready", err: errNoAnswer}
	}
	var out []finding
	for _, app := range w.config.Apps {
		at := slices.IndexFunc(status.Apps, func(s contract.AppStatus) bool { return s.Name == app.Name })
		if at < 0 || status.Apps[at].Database == nil {
			out = append(out, failed(app.Name, w.again(), "it has no database"))
			continue
		}
		d := status.Apps[at].Database
		held := "connections in use: " + d.Text()
		pool := "close connections that it does not use, or raise its dbConnections"
		if d.Silent() > d.Used {
			pool = "it opens connections and sends no password: webstack logs " + app.Name + " --stack " + w.stack
		}
		switch {
		case d.Error != "" && crowded(max(d.Used, d.Sockets), d.Limit):
			out = append(out, failed(app.Name, pool, "%s; %s", d.Error, held))
		case d.Error != "":
			out = append(out, failed(app.Name, w.again(), "%s; %s", d.Error, held))
		case crowded(max(d.Used, d.Sockets), d.Limit):
			out = append(out, warned(app.Name, pool, "%s", held))
		default:
			out = append(out, passed(app.Name, "it can connect; %s", held))
		}
	}
	return out, nil
}

var errNoAnswer = errors.New("Postgres does not accept connections") //nolint:staticcheck // a name

func (w *world) rdsInstance(ctx context.Context) (rdstypes.DBInstance, error) {
	answer, err := w.rds.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{
		DBInstanceIdentifier: aws.String(w.database()),
	})
	if err == nil && len(answer.DBInstances) == 0 {
		err = errNoDatabase
	}
	if err != nil {
		return rdstypes.DBInstance{}, operate.Explain("look at the database "+w.database(), err)
	}
	return answer.DBInstances[0], nil
}

var errNoDatabase = errors.New("it does not exist")

func external(c *config.Config) bool { return c.EnableExternalPostgres }

func backedUp(c *config.Config) bool { return c.EnablePgDumpToS3 }
