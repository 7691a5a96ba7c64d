package templates

import (
	"embed"
	"strings"
	"text/template"
)

// UserData is the script of a host's first boot. It makes sure that the SSM agent runs, because everything else comes
// through it. It never changes the host later, so it is the same for every stack.
//
//go:embed user-data.sh
var UserData string

// files are the bodies of the scripts that documents run. HOME and PATH are set in them, and so is a variable for each
// parameter of the document. Their actions are in <% %>, because documents use {{ }} for their parameters.
//
//go:embed *.sh *.sh.tmpl
var files embed.FS

var scripts = template.Must(template.New("").Delims("<%", "%>").ParseFS(files, "*.sh", "*.sh.tmpl"))

// Script is what the bodies of scripts are filled in with. Each value goes between single quotes, and may hold none.
type Script struct {
	// Region is the AWS region.
	Region string
	// StackDir is the stack directory, and HostProgram the path of webstackctl in it.
	StackDir, HostProgram string
	// App is the name of an app.
	App string
	// Bucket is the backup bucket.
	Bucket string
}

// Mount fetches the host program unless the installed one has the right sum, and mounts the data volume. Parameters:
// bucket, hostProgramSha256 and dataVolumeId.
func (s Script) Mount() string { return s.render("mount.sh.tmpl") }

// Docker installs Docker and the Compose plugin, and holds their versions.
func (s Script) Docker() string { return s.render("docker.sh") }

// Converge applies the bundle. Parameters: dataVolumeId, bucket and manifestSha256.
func (s Script) Converge() string { return s.render("converge.sh.tmpl") }

// Status prints the host's status as JSON.
func (s Script) Status() string { return s.render("status.sh.tmpl") }

// Logs prints what an app has written. Parameters: app, lines and since.
func (s Script) Logs() string { return s.render("logs.sh.tmpl") }

// Deploy deploys App, or watches a deploy. Parameters: action, release, caller, commit, run, command and from.
func (s Script) Deploy() string { return s.render("deploy.sh.tmpl") }

// Maintenance puts an app into maintenance or takes it out. Parameters: app, state and message.
func (s Script) Maintenance() string { return s.render("maintenance.sh.tmpl") }

// Backup backs up databases, or watches a backup. Parameters: action, apps, command and from.
func (s Script) Backup() string { return s.render("backup.sh.tmpl") }

// Restore restores databases, drops what restores have replaced, or watches a restore. Parameters: action, app, at, to,
// confirm, command and from.
func (s Script) Restore() string { return s.render("restore.sh.tmpl") }

func (s Script) render(name string) string {
	var out strings.Builder
	if err := scripts.ExecuteTemplate(&out, name, s); err != nil {
		panic(err) // the templates and their data are both part of the program
	}
	return out.String()
}
