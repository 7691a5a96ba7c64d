package contract

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Deploy is one deploy of an app, as the host records it. The newest is the value of the parameter AppDeployParam; the
// parameter's history has the ones before, of which Parameter Store keeps MaxDeploys.
type Deploy struct {
	// ID is the ID of the command that ran it.
	ID string `json:"id"`
	// At is when it began, and Seconds is how long it took.
	At      time.Time `json:"at"`
	Seconds float64   `json:"seconds"`
	// Release is TAG@sha256:DIGEST or sha256:DIGEST, or what was asked for if that could not be found.
	Release string `json:"release"`
	// Rollback is true if it was asked for as a rollback.
	Rollback bool `json:"rollback,omitempty"`
	// By is the ARN of the caller, Commit the commit of the app and Run the URL of the workflow run that asked for it, as
	// the caller gave them; each is "" if unknown.
	By     string `json:"by,omitempty"`
	Commit string `json:"commit,omitempty"`
	Run    string `json:"run,omitempty"`
	// Result is DeploySucceeded, DeployFailed or DeployInterrupted; "" while it runs. Error says why it did not succeed.
	Result string `json:"result"`
	Error  string `json:"error,omitempty"`
}

// The results of a deploy.
const (
	DeploySucceeded   = "succeeded"
	DeployFailed      = "failed"
	DeployInterrupted = "interrupted"
)

// MaxDeploys is how many versions of a parameter Parameter Store keeps; when there is another one, it deletes the oldest.
const MaxDeploys = 100

// DeployOverheadSeconds is how long a deploy may take besides what the app's own limits allow: for the pull of the image,
// and for a wait for another run.
const DeployOverheadSeconds = 900

// Limits in bytes that keep a record below the 4,096 of a parameter's value, whatever JSON does to their characters.
const (
	maxDeployText  = 300
	maxDeployError = 500
)

// NoDeploy is the value of AppDeployParam before the first deploy.
const NoDeploy = "-"

// Encode returns the JSON text in one line. It cuts texts that are too long.
func (d Deploy) Encode() string {
	d.ID, d.Release, d.By = Clip(d.ID, maxDeployText), Clip(d.Release, maxDeployText), Clip(d.By, maxDeployText)
	d.Commit, d.Run = Clip(d.Commit, maxDeployText), Clip(d.Run, maxDeployText)
	// Parameter Store refuses values with {{, which it takes for references to other parameters.
	d.Error = strings.ReplaceAll(Clip(strings.ToValidUTF8(d.Error, "?"), maxDeployError), "{{", "{ {")
	// A struct of strings, numbers and times always encodes without an error.
	text, _ := json.Marshal(d)
	return string(text)
}

// DecodeDeploy decodes what Encode returned. It returns an error for everything else, such as NoDeploy.
func DecodeDeploy(text string) (Deploy, error) {
	var d Deploy
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return Deploy{}, fmt.Errorf("read the record of a deploy: %w", err)
	}
	if d.At.IsZero() {
		return Deploy{}, errors.New("read the record of a deploy: it has no time")
	}
	return d, nil
}

// DecodeDeploys decodes the values of a parameter's history, the newest first, and leaves out what is not a record.
func DecodeDeploys(values []string) []Deploy {
	var all []Deploy
	for _, value := range values {
		if d, err := DecodeDeploy(value); err == nil {
			all = append(all, d)
		}
	}
	return all
}

// PreviousRelease returns the release that a rollback goes back to: the newest one that was deployed successfully and
// is not live. deploys has the newest first. It returns "" if there is none.
func PreviousRelease(deploys []Deploy, live string) string {
	for _, d := range deploys {
		if d.Result == DeploySucceeded && !SameImage(d.Release, live) {
			return d.Release
		}
	}
	return ""
}

// DeployedRelease returns the release of the newest successful deploy that a text means: its tag, its digest, or both.
func DeployedRelease(deploys []Deploy, text string) string {
	for _, d := range deploys {
		tag, digest := SplitRelease(d.Release)
		if d.Result == DeploySucceeded && (text == d.Release || text == tag || text == digest) {
			return d.Release
		}
	}
	return ""
}

// AppDeployParam names the String with the newest Deploy of an app, or NoDeploy. Like AppReleaseParam, it is created and
// deleted with the app, and the host writes it in between.
func AppDeployParam(base, app string) string { return base + "/apps/" + app + "/deploy" }

// InstanceParam names the String with the ID of the stack's instance. The workflows of the apps read it, as their roles
// may not list instances.
func InstanceParam(base string) string { return base + "/instance" }

// Patterns of the parameters of a deploy document. What they allow has no meaning between double quotes in a shell.
const (
	// ReleasePattern matches what ParseRelease accepts.
	ReleasePattern = `(?:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(?:@sha256:[0-9a-f]{64})?|sha256:[0-9a-f]{64})`
	// CallerPattern matches an ARN.
	CallerPattern = `arn:[A-Za-z0-9:/_+=,.@-]{1,300}`
	// CommitPattern matches a commit's ID, whole or its beginning.
	CommitPattern = `[0-9a-f]{7,64}`
	// RunPattern matches the URL of a workflow run.
	RunPattern = `https://[A-Za-z0-9._:/-]{1,290}`
	// CommandIDPattern matches the ID of a command.
	CommandIDPattern = `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`
)
