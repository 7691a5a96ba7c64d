package deploys

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// BenchmarkDeploy measures a deploy and a rollback on a host with few and with many apps, under load, and beside them
// what docker compose up does with the same images. Run it with -benchtime 1x.
func BenchmarkDeploy(b *testing.B) {
	for _, apps := range []int{2, 20} {
		b.Run(fmt.Sprintf("apps=%d", apps), func(b *testing.B) {
			w := newWorld(b, func(text string) string {
				var more strings.Builder
				for i := 3; i <= apps; i++ {
					fmt.Fprintf(&more, "    app%d:\n      domain: app%d.localhost\n      zone: localhost\n      containerPort: 8080\n", i, i)
				}
				return strings.Replace(text, "  webstack:activeApp:", more.String()+"  webstack:activeApp:", 1)
			})
			w.push("shop", "v2", "")
			for range b.N {
				w.measure(b, "deploy", func() { w.deploys("shop", "v2") })
				w.measure(b, "rollback", func() {
					if out, err := w.webstack("rollback", "shop"); err != nil {
						b.Fatalf("%v\n%s", err, out)
					}
				})
				image := strings.TrimSpace(w.c.OnHost("docker image ls --digests --format '{{.Repository}}@{{.Digest}}' | grep /shop@ | head -n 1"))
				w.measure(b, "compose", func() {
					w.c.OnHost("cd /opt/webstack/compose && WEBSTACK_IMAGE_SHOP=" + image + " WEBSTACK_SUM_SHOP=bench docker compose up " +
						"--detach --no-deps --pull never shop")
				})
				w.c.MustConverge()
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// measure reports how long something took, and what visitors noticed meanwhile.
func (w *world) measure(b *testing.B, name string, do func()) {
	b.Helper()
	visitors := w.load(shop, usual)
	began := time.Now()
	do()
	b.ReportMetric(time.Since(began).Seconds(), name+"-s")
	visitors.stop()
	visitors.wait.Wait()
	slices.Sort(visitors.took)
	if n := len(visitors.took); n > 0 {
		b.ReportMetric(float64(visitors.took[n/2].Microseconds())/1000, name+"-p50-ms")
		b.ReportMetric(float64(visitors.took[n*99/100].Microseconds())/1000, name+"-p99-ms")
	}
	b.ReportMetric(float64(len(visitors.failures)), name+"-failed")
}
