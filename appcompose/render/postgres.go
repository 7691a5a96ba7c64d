package render

import (
	"fmt"
	"strings"

	"webstack/contract"
)

// postgresSecret is the name of the secret and of its file under /run/secrets.
const postgresSecret = "postgres-password"

// postgresService is the shared database. The image reads user, password and first database only if the data directory
// is empty; the host program makes later changes.
func postgresService(in Input, share memory) service {
	// A stop writes everything in memory to disk. If Postgres is killed earlier, the next start has to recover.
	s := base(contract.PostgresService, contract.PostgresImage, share.postgres, "90s")
	s.ContainerName = contract.PostgresService
	s.CPUShares = postgresCPUShares
	s.Command = append([]string{
		"postgres",
		fmt.Sprintf("--shared_buffers=%dMB", share.sharedBuffers),
		fmt.Sprintf("--effective_cache_size=%dMB", share.postgres),
		fmt.Sprintf("--maintenance_work_mem=%dMB", share.maintenanceMem),
		fmt.Sprintf("--work_mem=%dMB", share.workMem),
		fmt.Sprintf("--max_connections=%d", in.PostgresConnections),
		"--random_page_cost=1.1", // The data volume is an SSD.
	}, guards(in.DataVolumeGiB)...)
	s.Environment = map[string]literal{
		"POSTGRES_USER":          literal(in.PostgresUser),
		"POSTGRES_DB":            literal(in.PostgresDefaultDb),
		"POSTGRES_PASSWORD_FILE": "/run/secrets/" + postgresSecret,
		"POSTGRES_INITDB_ARGS":   "--data-checksums",
	}
	s.Secrets = []string{postgresSecret}
	s.Volumes = []bind{{Type: "bind", Source: contract.PostgresDataDir, Target: "/var/lib/postgresql/data"}}
	s.Networks = map[string]endpoint{dbNetwork: {}}
	s.Healthcheck = &healthcheck{
		// Over TCP: while Postgres sets up a new data directory, it answers only on its socket and is not ready.
		Test: []string{
			"CMD", "pg_isready", "-q", "-h", "127.0.0.1",
			"-U", strings.ReplaceAll(in.PostgresUser, "$", "$$"), "-d", "postgres",
		},
		Interval: "10s", Timeout: "5s", Retries: 6, StartPeriod: "120s",
	}
	s.ShmSize = mebibytes(share.shm)
	// The image starts as root, gives the data directory to the user postgres, and continues as that user.
	s.CapAdd = []string{"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"}
	return s
}

// guards are the settings that keep one app from blocking Postgres for the others, and the apps' data out of the log.
func guards(dataVolumeGiB int) []string {
	disk := dataVolumeGiB << 10
	// Both sizes are the same, so segments are reused and never deleted: when the disk is full, there is still room for
	// the write-ahead log, without which Postgres stops.
	wal := clamp(disk/20, 256, 2048)
	return []string{
		fmt.Sprintf("--superuser_reserved_connections=%d", contract.ReservedConnections),
		// A connection takes a slot even before it has sent its password.
		"--authentication_timeout=10s",
		// How much one query may write to temporary files.
		fmt.Sprintf("--temp_file_limit=%dMB", clamp(disk/20, 256, 8192)),
		fmt.Sprintf("--min_wal_size=%dMB", wal),
		fmt.Sprintf("--max_wal_size=%dMB", wal),
		// Statements and error details contain the apps' data.
		"--log_statement=none",
		"--log_min_error_statement=panic",
		"--log_min_duration_statement=-1",
		"--log_parameter_max_length_on_error=0",
		"--log_error_verbosity=terse",
	}
}
