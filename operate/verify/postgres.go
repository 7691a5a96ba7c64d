package verify

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"

	"webstack/config"
	"webstack/contract"
	"webstack/operate"
)

// Names of the containers that are no apps.
const (
	postgresService = "postgres"
	caddyService    = "caddy"
)

var postgresChecks = []check{
	{phase: 4, name: "postgres.ready", looked: "pg_isready on the host", run: checkPostgresReady},
	{phase: 4, name: "postgres.private", looked: "who can reach Postgres", run: checkPostgresPrivate},
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
		return []finding{failed("", do, "it takes no connections %s", where)}, nil
	}
	return []finding{passed("", "it takes connections %s", where)}, nil
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
		return []finding{passed("", "%s is reached within the VPC only", w.database())}, nil
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

var errNoDatabase = errors.New("there is none of that name")

func external(c *config.Config) bool { return c.EnableExternalPostgres }

func backedUp(c *config.Config) bool { return c.EnablePgDumpToS3 }
