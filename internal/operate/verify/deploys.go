package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"webstack/config"
	"webstack/contract"
	"webstack/internal/operate"
)

var deployChecks = []check{
	{phase: 8, name: "registry.images", looked: "the live images in ECR", when: hasApps, run: checkImages},
	{phase: 8, name: "deploys.releases", looked: "the recorded releases against what runs", when: hasApps, run: checkReleases},
	{phase: 8, name: "deploys.last", looked: "the last deploy of each app", when: hasApps, run: checkLastDeploys},
}

// longDeploy is longer than any deploy takes.
const longDeploy = time.Hour

// recorded returns the release that Parameter Store has for an app, "" before its first deploy.
func (w *world) recorded(ctx context.Context, app string) (string, error) {
	release, err := w.parameter(ctx, contract.AppReleaseParam(contract.BasePath(w.project, w.stack), app))
	if release == contract.NoRelease {
		release = ""
	}
	return release, err
}

// unreadable is the finding of a check whose request failed.
func unreadable(app string, err error) []finding {
	return []finding{failed(app, "fix it and run verify again", "%v", err)}
}

// notDeployed is the finding about an app without a release.
func (w *world) notDeployed(app string) []finding {
	return []finding{{subject: app, outcome: Later, found: "not deployed yet: " + w.command("deploy", app, "TAG")}}
}

// command returns a webstack command for this stack.
func (w *world) command(words ...string) string {
	return "webstack " + strings.Join(words, " ") + " --stack " + w.stack
}

func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

func checkReleases(ctx context.Context, w *world) ([]finding, error) {
	status, err := w.status(ctx)
	if err != nil {
		return nil, err
	}
	return w.eachApp(func(app config.App) []finding {
		at := slices.IndexFunc(status.Apps, func(s contract.AppStatus) bool { return s.Name == app.Name })
		if at < 0 {
			return []finding{failed(app.Name, w.again(), "the host does not know the app")}
		}
		if id := status.Apps[at].Restoring; id != "" {
			return []finding{warned(app.Name, "run verify again later; if the restore was interrupted, the next deploy, backup or "+
				"converge ends it", "the restore %s of its database has not ended", id)}
		}
		if status.Apps[at].Deploying != "" {
			return []finding{w.deploying(status, status.Apps[at])}
		}
		release, err := w.recorded(ctx, app.Name)
		if err != nil {
			return unreadable(app.Name, err)
		}
		if release == "" && status.Apps[at].Release == "" {
			return w.notDeployed(app.Name)
		}
		return []finding{w.running(status, status.Apps[at], release)}
	}), nil
}

// deploying is the finding about an app with a deploy that has not ended.
func (w *world) deploying(status contract.Status, app contract.AppStatus) finding {
	age := status.At.Sub(app.DeployingSince)
	if release := contract.ShortRelease(app.Deploying); age < longDeploy && !app.DeployKilled {
		return warned(app.Name, "run verify again when it has ended", "a deploy of %s has been running for %s", release,
			operate.Ago(age))
	}
	return failed(app.Name, "wait for the next converge, which records how it ended, or deploy again: "+
		w.command("deploy", app.Name, app.Deploying), "a deploy of %s began %s ago and was interrupted",
		contract.ShortRelease(app.Deploying), operate.Ago(age))
}

// running is the finding about an app that should run a release.
func (w *world) running(status contract.Status, app contract.AppStatus, release string) finding {
	switch {
	case release == "":
		return failed(app.Name, w.command("deploy", app.Name, app.Release), "it runs %s, but no release is recorded",
			contract.ShortRelease(app.Release))
	case app.Release == "":
		return failed(app.Name, w.command("deploy", app.Name, release), "it runs nothing instead of %s: %s",
			contract.ShortRelease(release), why(status, app.Name))
	case !contract.SameImage(app.Release, release):
		return failed(app.Name, w.command("deploy", app.Name, release)+", or go back: "+w.command("rollback", app.Name),
			"it runs %s instead of %s: %s", contract.ShortRelease(app.Release), contract.ShortRelease(release),
			why(status, app.Name))
	case app.Since.IsZero():
		return passed(app.Name, "runs %s", contract.ShortRelease(app.Release))
	}
	return passed(app.Name, "runs %s since %s", contract.ShortRelease(app.Release), minute(app.Since))
}

func checkLastDeploys(ctx context.Context, w *world) ([]finding, error) {
	return w.eachApp(func(app config.App) []finding {
		text, err := w.parameter(ctx, contract.AppDeployParam(contract.BasePath(w.project, w.stack), app.Name))
		switch {
		case err != nil:
			return unreadable(app.Name, err)
		case text == "" || text == contract.NoDeploy:
			return []finding{{subject: app.Name, outcome: Later,
				found: "no deploy is recorded yet: " + w.command("deploy", app.Name, "TAG")}}
		}
		last, err := contract.DecodeDeploy(text)
		if err != nil {
			return []finding{failed(app.Name, "deploy again: "+w.command("deploy", app.Name, "TAG"), "%v", err)}
		}
		what := fmt.Sprintf("%s, %s", contract.ShortRelease(last.Release), minute(last.At))
		if last.By != "" {
			what += ", by " + operate.Who(last.By)
		}
		if last.Result != contract.DeploySucceeded {
			return []finding{warned(app.Name, w.command("releases", app.Name), "%s: %s: %s", last.Result, what, last.Error)}
		}
		return []finding{passed(app.Name, "%s: %s", last.Result, what)}
	}), nil
}

func checkImages(ctx context.Context, w *world) ([]finding, error) {
	return w.eachApp(func(app config.App) []finding {
		release, err := w.recorded(ctx, app.Name)
		switch {
		case err != nil:
			return unreadable(app.Name, err)
		case release == "":
			return w.notDeployed(app.Name)
		}
		return []finding{w.image(ctx, app, release)}
	}), nil
}

// image checks that the image of a release is still in ECR, where a new host would get it from.
func (w *world) image(ctx context.Context, app config.App, release string) finding {
	tag, digest := contract.SplitRelease(release)
	id := types.ImageIdentifier{ImageDigest: &digest}
	if digest == "" {
		id = types.ImageIdentifier{ImageTag: &tag}
	}
	answer, err := w.ecr.DescribeImages(ctx, &ecr.DescribeImagesInput{
		RepositoryName: &app.RepoName, ImageIds: []types.ImageIdentifier{id},
	})
	switch {
	case operate.HasCode(err, "RepositoryNotFoundException"):
		return failed(app.Name, w.again(), "there is no repository %s", app.RepoName)
	case operate.HasCode(err, "ImageNotFoundException"), err == nil && len(answer.ImageDetails) == 0:
		return failed(app.Name, "push the image again, then: "+w.command("deploy", app.Name, "TAG"),
			"%s is not in %s: a new host could not start it", contract.ShortRelease(release), app.RepoName)
	case err != nil:
		return failed(app.Name, "fix it and run verify again", "%v", operate.Explain("look for the image of "+app.Name, err))
	}
	return passed(app.Name, "%s, pushed on %s", contract.ShortRelease(release), day(aws.ToTime(answer.ImageDetails[0].ImagePushedAt)))
}
