package engine

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"webstack/e2e/lab"
)

// BenchmarkStack measures preview and up of stacks with 2, 20 and 200 apps, next to a baseline: a program that
// registers as many trivial resources on the same engine. Run it with -benchtime 1x.
func BenchmarkStack(b *testing.B) {
	for _, apps := range []int{2, 20, 200} {
		b.Run(fmt.Sprintf("%d apps", apps), func(b *testing.B) {
			for range b.N {
				measure(b, apps)
			}
		})
	}
}

func measure(b *testing.B, apps int) {
	clone := lab.NewClone(b)
	clone.MustLaptop("up") // with its own two apps: starts the cloud and fills every cache
	clone.MustLaptop("destroy")
	clone.Edit("Pulumi.local.yaml", func(text string) string { return withApps(text, apps) })

	preview := timed(b, func() (string, error) { return clone.Pulumi("preview", "-s", lab.Stack) })
	up := timed(b, func() (string, error) { return clone.Pulumi("up", "-s", lab.Stack, "--yes", "--skip-preview") })
	again := timed(b, func() (string, error) { return clone.Pulumi("preview", "-s", lab.Stack, "--expect-no-changes") })
	resources := clone.ResourceCount()

	clone.Must(clone.Pulumi("stack", "init", "floor", "-C", "local/floor"))
	floor := func(args ...string) func() (string, error) {
		return func() (string, error) {
			config := "floor:resources=" + strconv.Itoa(resources)
			return clone.Pulumi(append(args, "-C", "local/floor", "-s", "floor", "--config", config)...)
		}
	}
	floorPreview := timed(b, floor("preview"))
	floorUp := timed(b, floor("up", "--yes", "--skip-preview"))

	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(resources), "resources")
	b.ReportMetric(preview.Seconds(), "preview-s")
	b.ReportMetric(floorPreview.Seconds(), "floor-preview-s")
	b.ReportMetric(up.Seconds(), "up-s")
	b.ReportMetric(floorUp.Seconds(), "floor-up-s")
	b.ReportMetric(again.Seconds(), "unchanged-preview-s")
}

func timed(b *testing.B, run func() (string, error)) time.Duration {
	b.Helper()
	begun := time.Now()
	if out, err := run(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return time.Since(begun)
}

// withApps returns the stack file with that many apps instead of its own.
func withApps(text string, count int) string {
	head, rest, _ := strings.Cut(text, "  webstack:apps:\n")
	_, rest, _ = strings.Cut(rest, "  webstack:activeApp: shop\n")
	_, dns, _ := strings.Cut(rest, "  webstack:enableDns: true\n")
	var apps strings.Builder
	for i := range count {
		fmt.Fprintf(&apps, "    app-%03d:\n      domain: app-%03d.localhost\n      zone: localhost\n      containerPort: 8080\n"+
			"      githubRepo: example/app-%03d\n", i, i, i)
	}
	return head + "  webstack:apps:\n" + apps.String() + "  webstack:enableDns: true\n" + dns
}
