package rds

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"webstack/local/dockercli"
	"webstack/local/machine"
)

const (
	// settings is the folder with a server's configuration.
	settings = "/etc/rds"
	// postgresGroup is the id of the user and group postgres in the image.
	postgresGroup = 999
	// memory is far more than a small stack's database needs.
	memory = "512m"
)

// access lets in the superuser only on the socket, and everybody else only over TLS.
const access = `local all all trust
hostssl all ` + Superuser + ` all reject
hostssl all all all scram-sha-256
`

// make creates and starts the container of a database, and sets it up.
func (e *Engine) make(ctx context.Context, db *server, spec Spec) error {
	statements, err := setUp(spec)
	if err != nil {
		return err
	}
	image, err := e.options.Image(ctx)
	if err != nil {
		return err
	}
	files, err := e.files(db)
	if err != nil {
		return err
	}
	if _, err := dockercli.Run(ctx, e.create(db, image)...); err != nil {
		return err
	}
	if _, err := dockercli.RunWith(ctx, files, "cp", "-", db.container+":/"); err != nil {
		return err
	}
	if err := db.boot(ctx); err != nil {
		return err
	}
	if err := db.run(ctx, statements...); err != nil {
		return err
	}
	return e.open(ctx, db)
}

// create returns the docker command that creates the container. Like a stack's own Postgres it starts as root, gives
// the data to the user postgres, and continues as that user.
func (e *Engine) create(db *server, image string) []string {
	args := []string{
		"create", "--name", db.container, "--label", machine.Label(e.options.ID), "--publish", "127.0.0.1::5432",
		"--mount", "type=volume,source=" + db.container + ",target=/var/lib/postgresql/data,volume-label=" +
			machine.Label(e.options.ID),
		"--env", "POSTGRES_USER=" + Superuser, "--env", "POSTGRES_DB=" + Superuser,
		"--env", "POSTGRES_PASSWORD_FILE=" + settings + "/unused-password",
		"--memory", memory, "--pids-limit", "512", "--shm-size", "128m",
		"--cap-drop", "ALL", "--security-opt", "no-new-privileges",
	}
	for _, right := range []string{"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"} {
		args = append(args, "--cap-add", right)
	}
	args = append(args, image, "postgres")
	for _, setting := range []string{
		"shared_buffers=64MB", "hba_file=" + settings + "/pg_hba.conf",
		"ssl=on", "ssl_cert_file=" + settings + "/server.crt", "ssl_key_file=" + settings + "/server.key",
	} {
		args = append(args, "-c", setting)
	}
	return args
}

// files returns an archive of a server's configuration. The password is the superuser's, which the image requires and
// nobody uses.
func (e *Engine) files(db *server) (io.Reader, error) {
	certificate, key, err := e.options.Certificate(db.address())
	if err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	archive := tar.NewWriter(&packed)
	err = archive.WriteHeader(&tar.Header{Name: settings[1:] + "/", Typeflag: tar.TypeDir, Mode: 0o755})
	for _, file := range []struct {
		name    string
		content []byte
	}{
		{"pg_hba.conf", []byte(access)}, {"server.crt", certificate}, {"server.key", key},
		{"unused-password", []byte(rand.Text())},
	} {
		err = errors.Join(err, archive.WriteHeader(&tar.Header{
			Name: settings[1:] + "/" + file.name, Mode: 0o640, Gid: postgresGroup, Size: int64(len(file.content)),
		}))
		_, written := archive.Write(file.content)
		err = errors.Join(err, written)
	}
	if err := errors.Join(err, archive.Close()); err != nil {
		return nil, fmt.Errorf("pack the files of the server: %w", err)
	}
	return &packed, nil
}

// start starts the container, and points the address at it once it answers.
func (e *Engine) start(ctx context.Context, db *server) error {
	if err := db.boot(ctx); err != nil {
		return err
	}
	return e.open(ctx, db)
}

// open points the address at the port on which the container now listens.
func (e *Engine) open(ctx context.Context, db *server) error {
	target, err := dockercli.Run(ctx, "port", db.container, "5432/tcp")
	if err != nil {
		return err
	}
	e.lead(db, target)
	return nil
}

// boot starts the container and returns when Postgres answers over TCP, which it does not do while it sets up its data.
func (s *server) boot(ctx context.Context) error {
	if _, err := dockercli.Run(ctx, "start", s.container); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, readyPatience)
	defer cancel()
	for {
		_, err := dockercli.Run(ctx, "exec", s.container, "pg_isready", "-q", "-h", "127.0.0.1")
		switch {
		case err == nil:
			return nil
		case dockercli.Said(err, "is not running"):
			said, logErr := dockercli.Run(ctx, "logs", "--tail", "20", s.container)
			return errors.Join(fmt.Errorf("start Postgres: it ended: %s", said), logErr)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait until Postgres answers: %w", ctx.Err())
		case <-time.After(readyPoll):
		}
	}
}

// run runs statements as the superuser, each in a transaction of its own.
func (s *server) run(ctx context.Context, statements ...string) error {
	_, err := dockercli.RunWith(ctx, strings.NewReader(strings.Join(statements, ";\n")+";\n"), "exec", "--interactive",
		s.container, "psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--username", Superuser,
		"--dbname", "postgres")
	return err
}
