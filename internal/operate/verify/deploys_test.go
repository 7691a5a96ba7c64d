package verify

import (
	"strings"
	"testing"
	"time"

	"webstack/contract"
)

// deployBreakages has the ways to fail of the checks of images and deploys.
var deployBreakages = []broken{
	{"registry.images", func(_ *testing.T, s *stand) { s.images = nil }, "shop",
		"v7@sha256:8c6be73703d8 is not in webstack-dev/shop: a new host could not start it"},
	{"registry.images", func(_ *testing.T, s *stand) { s.parameters[shopRelease] = "v8" }, "shop", "v8 is not in webstack-dev/shop"},
	{"registry.images", fails("DescribeImages", "RepositoryNotFoundException"), "shop", "there is no repository webstack-dev/shop"},
	{"registry.images", denied("DescribeImages"), "shop", "look for the image of shop: AccessDenied"},
	{"registry.images", denied("GetParameter"), "shop", "AccessDenied"},
	{"deploys.releases", func(_ *testing.T, s *stand) { s.parameters[shopRelease] = "v8@sha256:" + strings.Repeat("0", 64) }, "shop",
		"it runs v7@sha256:8c6be73703d8 instead of v8@sha256:000000000000: the host has not tried it yet"},
	{"deploys.releases", func(_ *testing.T, s *stand) { s.parameters[shopRelease] = "v7@sha256:" + strings.Repeat("0", 64) }, "shop",
		"it runs v7@sha256:8c6be73703d8 instead of v7@sha256:000000000000"},
	{"deploys.releases", func(_ *testing.T, s *stand) { s.status.Apps[1].Release = "" }, "shop",
		"it runs nothing instead of v7@sha256:8c6be73703d8"},
	{"deploys.releases", func(_ *testing.T, s *stand) { delete(s.parameters, shopRelease) }, "shop",
		"it runs v7@sha256:8c6be73703d8, but no release is recorded"},
	{"deploys.releases", shopDeploying(5 * time.Minute), "shop", "a deploy of v8 has been running for 5m0s"},
	{"deploys.releases", func(_ *testing.T, s *stand) { s.status.Apps[1].Restoring = "20260131T031500Z" }, "shop",
		"the restore 20260131T031500Z of its database has not ended"},
	{"deploys.releases", shopKilled, "shop", "a deploy of v8 began 1m0s ago and was interrupted"},
	{"deploys.releases", shopDeploying(time.Hour), "shop", "a deploy of v8 began 1h ago and was interrupted"},
	{"deploys.releases", func(_ *testing.T, s *stand) { s.status.Apps = s.status.Apps[:1] }, "shop", "the host does not know the app"},
	{"deploys.releases", denied("GetParameter"), "shop", "AccessDenied"},
	{"deploys.releases", unreachable, "", "because of: the host's Systems Manager agent"},
	{"deploys.last", lastDeploy(contract.DeployFailed, "it is not healthy after 1m30s"), "shop", "by admin/ann: it is not healthy"},
	{"deploys.last", lastDeploy(contract.DeployInterrupted, "it was interrupted"), "shop", "interrupted: v8, 2026-01-31 03:15 UTC"},
	{"deploys.last", func(_ *testing.T, s *stand) { s.parameters[shopDeploy] = "{}" }, "shop",
		"read the record of a deploy: it has no time"},
	{"deploys.last", denied("GetParameter"), "shop", "AccessDenied"},
}

// shopKilled has a deploy whose process was killed.
func shopKilled(t *testing.T, s *stand) {
	shopDeploying(time.Minute)(t, s)
	s.status.Apps[1].DeployKilled = true
}

func shopDeploying(age time.Duration) func(*testing.T, *stand) {
	return func(_ *testing.T, s *stand) {
		s.status.Apps[1].Deploying, s.status.Apps[1].DeployingSince = "v8", s.status.At.Add(-age)
	}
}

func lastDeploy(result, problem string) func(*testing.T, *stand) {
	return func(_ *testing.T, s *stand) {
		s.parameters[shopDeploy] = contract.Deploy{
			At: time.Date(2026, 1, 31, 3, 15, 0, 0, time.UTC), Release: "v8", Result: result, Error: problem,
			By: "arn:aws:sts::123456789012:assumed-role/admin/ann",
		}.Encode()
	}
}

func TestDeploysAreTold(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.status.Apps[1].Since = time.Date(2026, 1, 31, 3, 15, 0, 0, time.UTC)
	lastDeploy(contract.DeploySucceeded, "")(t, s)
	for name, want := range map[string][2]string{
		"registry.images": {"not deployed yet: webstack deploy blog TAG --stack dev",
			"v7@sha256:8c6be73703d8, pushed on " + day(s.now)},
		"deploys.releases": {"not deployed yet: webstack deploy blog TAG --stack dev",
			"runs v7@sha256:8c6be73703d8 since 2026-01-31 03:15 UTC"},
		"deploys.last": {"no deploy is recorded yet: webstack deploy blog TAG --stack dev",
			"succeeded: v8, 2026-01-31 03:15 UTC, by admin/ann"},
	} {
		rows, err := run(t.Context(), s.world(), only(t, name), nil)
		if err != nil || len(rows) != 2 || rows[0].Outcome != Later || rows[0].Found != want[0] ||
			rows[1].Outcome != Pass || rows[1].Found != want[1] {
			t.Errorf("%s: %+v, %v", name, rows, err)
		}
	}
}

// A release that was set by hand may have no digest.
func TestReleaseWithoutDigest(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.parameters[shopRelease] = "v7"
	for _, name := range []string{"registry.images", "deploys.releases"} {
		rows, err := run(t.Context(), s.world(), only(t, name), nil)
		if err != nil || len(rows) != 2 || rows[1].Outcome != Pass || !strings.Contains(rows[1].Found, "v7") {
			t.Errorf("%s: %+v, %v", name, rows, err)
		}
	}
}
