package converge

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"webstack/contract"
	"webstack/host/certificates"
	"webstack/host/database"
	"webstack/host/secrets"
)

func (r *run) base() string { return contract.BasePath(r.manifest.Project, r.manifest.Stack) }

func (r *run) readParameters(ctx context.Context) error {
	r.parameters = map[string]string{}
	for _, path := range contract.OwnPaths(r.base()) {
		found, err := r.Host.Parameters.ByPath(ctx, path)
		if err != nil {
			return err
		}
		maps.Copy(r.parameters, found)
	}
	return nil
}

// wrong records problems of single apps.
func (r *run) wrong(problems map[string]error) {
	for _, app := range slices.Sorted(maps.Keys(problems)) {
		r.problems = append(r.problems, problem{app: app, err: problems[app]})
	}
}

func (r *run) writeSecrets(context.Context) error {
	problems, err := secrets.Write(secrets.Options{
		Root: r.root, Manifest: r.manifest, Values: r.parameters, Out: r.Out,
	})
	r.wrong(problems)
	return err
}

func (r *run) writeCertificates(ctx context.Context) error {
	found, failed, err := r.Host.Parameters.ByName(ctx, certificates.Names(r.base(), r.manifest.Apps))
	if err != nil {
		return err
	}
	problems, err := certificates.Write(certificates.Options{
		Root: r.root, Base: r.base(), Apps: r.manifest.Apps, Found: found, Failed: failed, Now: time.Now(), Out: r.Out,
	})
	r.wrong(problems)
	return err
}

// healRestore comes before anything uses the databases. If it fails, the apps still get their releases.
func (r *run) healRestore(ctx context.Context) error {
	if err := r.Host.HealRestore(ctx, r.root, r.manifest); err != nil {
		r.problems = append(r.problems, problem{err: err})
	}
	return ctx.Err()
}

// postgresLimit is how long Postgres may take until it answers.
const postgresLimit = time.Minute

func (r *run) ensureDatabases(ctx context.Context) error {
	password, address := r.parameters[contract.PostgresPasswordParam(r.base())], ""
	if r.manifest.ExternalPostgres {
		if address = r.parameters[contract.PostgresHostParam(r.base())]; address == "" || password == "" {
			return fmt.Errorf("find the external Postgres: the parameters %s and %s must exist; run pulumi up --refresh",
				contract.PostgresHostParam(r.base()), contract.PostgresPasswordParam(r.base()))
		}
	}
	o := database.Options{
		Server:    r.Host.Postgres(r.manifest.PostgresUser, address, password),
		Superuser: r.manifest.PostgresUser, DefaultDb: r.manifest.PostgresDefaultDb, Out: r.Out,
	}
	if !r.manifest.ExternalPostgres {
		// Elsewhere, this host logs in with the password, and the operator of the server changes it.
		o.SuperuserPassword = password
	}
	for _, app := range r.manifest.Apps {
		// Without a password, its env file was not written either, and that is already reported.
		if password := r.parameters[contract.AppDatabasePasswordParam(r.base(), app.Name)]; password != "" {
			o.Apps = append(o.Apps, database.App{
				Name: app.Name, Database: app.Database, Password: password, Connections: app.DbConnections,
			})
		}
	}
	if err := database.Wait(ctx, o.Server, postgresLimit); err != nil {
		return err
	}
	done, err := database.Ensure(ctx, o)
	r.wrong(done.Problems)
	if err != nil {
		return err
	}
	if err := r.limitConnections(ctx, done); err != nil {
		// A kernel may not support this. The apps work without it, and the host's status says so.
		_, err = fmt.Fprintf(r.Out, "warning: %v\n", err)
		return err
	}
	return nil
}

// spareConnections are the connections of a container beyond the limit of its role, so that an app at its limit is
// refused by Postgres, with a message, and not by the kernel, without one.
const spareConnections = 2

func (r *run) limitConnections(ctx context.Context, done database.Done) error {
	if r.manifest.ExternalPostgres {
		return r.Host.LimitConnections(ctx, 0, 0)
	}
	most := done.Largest
	if most == 0 {
		most = done.Usable
	}
	return r.Host.LimitConnections(ctx, min(most+spareConnections, done.Usable), done.Usable)
}

func (r *run) convergeApps(ctx context.Context) error {
	r.releases = map[string]string{}
	for _, app := range r.manifest.Apps {
		release, ok := r.parameters[contract.AppReleaseParam(r.base(), app.Name)]
		if ok && release != contract.NoRelease {
			r.releases[app.Name] = release
		}
	}
	problems, err := r.containers.Converge(ctx, r.releases)
	r.wrong(problems)
	return err
}

// healDeploys comes after the apps run their releases: a deploy that was killed after it had recorded its release is
// then complete.
func (r *run) healDeploys(ctx context.Context) error { return r.Host.Heal(ctx, r.root, r.manifest) }
