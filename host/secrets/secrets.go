// Package secrets writes the host's files with secrets: an env file for each app, and the password of Postgres. Their
// content comes from Parameter Store, and is nowhere else on the host.
package secrets

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"webstack/contract"
	"webstack/host/files"
)

// Options configure Write.
type Options struct {
	// Root is the stack directory.
	Root *os.Root
	// Manifest is the bundle's manifest.
	Manifest contract.Manifest
	// Values are the stack's parameters by name.
	Values map[string]string
	// Out gets a line for each change. Values are never shown.
	Out io.Writer
}

const private = 0o600

// Write updates the files. It returns problems of single apps by app: it leaves their files unchanged and writes those
// of the others.
func Write(o Options) (problems map[string]error, err error) {
	if err := o.Root.MkdirAll(contract.EnvDir, 0o700); err != nil {
		return nil, fmt.Errorf("create the directory of env files: %w", err)
	}
	if err := o.writePassword(); err != nil {
		return nil, err
	}
	problems = map[string]error{}
	for _, app := range o.Manifest.Apps {
		content, err := o.env(app)
		if err == nil {
			err = o.write(envPath(app.Name), content)
		}
		if err != nil {
			problems[app.Name] = err
		}
	}
	return problems, nil
}

// writePassword writes the file that the container of Postgres reads when it sets up a new cluster.
func (o Options) writePassword() error {
	if o.Manifest.ExternalPostgres {
		_, err := files.Remove(o.Root, contract.PostgresPasswordPath)
		return err
	}
	password, err := o.value(contract.PostgresPasswordParam(o.base()))
	if err != nil {
		return err
	}
	return o.write(contract.PostgresPasswordPath, []byte(password))
}

func envPath(app string) string { return path.Join(contract.EnvDir, app+".env") }

// base is the path of the stack's parameters.
func (o Options) base() string { return contract.BasePath(o.Manifest.Project, o.Manifest.Stack) }

func (o Options) value(name string) (string, error) {
	value, ok := o.Values[name]
	if !ok {
		return "", fmt.Errorf("read parameter %s: it does not exist; run pulumi up --refresh, which creates it", name)
	}
	return value, nil
}

// env returns the content of an app's env file.
func (o Options) env(app contract.ManifestApp) ([]byte, error) {
	var problems []error
	get := func(name string) string {
		value, err := o.value(name)
		problems = append(problems, err)
		return value
	}
	values := map[string]string{}
	for _, name := range app.SecureEnv {
		values[name] = get(contract.AppEnvParam(o.base(), app.Name, name))
	}
	password, address := get(contract.AppDatabasePasswordParam(o.base(), app.Name)), ""
	if o.Manifest.ExternalPostgres {
		address = get(contract.PostgresHostParam(o.base()))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	values["DATABASE_URL"] = contract.DatabaseURL(address, app.Database, password)
	return contract.AppEnv(values)
}

func (o Options) write(name string, content []byte) error {
	changed, err := files.Write(o.Root, name, content, private)
	if changed {
		_, _ = fmt.Fprintf(o.Out, "wrote %s\n", name)
	}
	return err
}
