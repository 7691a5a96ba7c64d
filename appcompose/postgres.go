package appcompose

import (
	"fmt"
	"strings"

	"webstack/contract"
)

// postgresSecret is the secret's name and its file's under /run/secrets.
const postgresSecret = "postgres-password"

// postgresService is the shared database. User, password and first database are only read when the data directory is
// empty; later changes are the host program's work.
func postgresService(in RenderInput, share memory) service {
	// Stopping writes everything in memory to disk; killed before that, the next start has to recover.
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
	s.Networks = []string{dbNetwork}
	s.Healthcheck = &healthcheck{
		// Over TCP: while it sets up a new data directory, Postgres answers on its socket only, and is not ready.
		Test: []string{
			"CMD", "pg_isready", "-q", "-h", "127.0.0.1",
			"-U", strings.ReplaceAll(in.PostgresUser, "$", "$$"), "-d", "postgres",
		},
		Interval: "10s", Timeout: "5s", Retries: 6, StartPeriod: "120s",
	}
	s.ShmSize = mebibytes(share.shm)
	// The image starts as root, hands the data directory to the user postgres, and goes on as that user.
	s.CapAdd = []string{"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"}
	return s
}

// guards are the settings that keep one app from taking Postgres away from the others, and the apps' data out of the log.
func guards(dataVolumeGiB int) []string {
	disk := dataVolumeGiB << 10
	// As large as each other, so segments that were once written are used again and not given back: when the disk is
	// full, there is still room for the log of what changes, without which Postgres stops.
	wal := clamp(disk/20, 256, 2048)
	return []string{
		fmt.Sprintf("--superuser_reserved_connections=%d", contract.ReservedConnections),
		// A connection takes room until it has given its password.
		"--authentication_timeout=10s",
		// What one query may write to temporary files.
		fmt.Sprintf("--temp_file_limit=%dMB", clamp(disk/20, 256, 8192)),
		fmt.Sprintf("--min_wal_size=%dMB", wal),
		fmt.Sprintf("--max_wal_size=%dMB", wal),
		// Statements, and the details of an error, hold what the apps keep in their tables.
		"--log_statement=none",
		"--log_min_error_statement=panic",
		"--log_min_duration_statement=-1",
		"--log_parameter_max_length_on_error=0",
		"--log_error_verbosity=terse",
	}
}
