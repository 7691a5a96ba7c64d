package render

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
	"gopkg.in/yaml.v3"

	"webstack/contract"
)

// rounds are measured in turn with each Caddyfile, so that other load on the computer affects both alike.
const rounds = 7

// BenchmarkProxy measures requests per second, their 99th percentile and the CPU time of each through the rendered Caddyfile, beside a Caddyfile
// that hands the same requests to the same app, with a log and compression, and does nothing else. Both find the app by a
// name in the hosts file. Run it with -benchtime 1x.
func BenchmarkProxy(b *testing.B) {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintln(w, "this is shop, and this is about as much as a small answer of an API has to say")
	}))
	b.Cleanup(app.Close)
	_, port, err := net.SplitHostPort(app.Listener.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	upstream := "dynamic a localhost " + port + " {\n\t\t\t\trefresh 1s\n\t\t\t\tversions ipv4\n\t\t\t}"
	rendered := &server{host: newHost(b, twoApps().with("acme", "internal")), ports: freePorts(b), upstream: upstream}
	rendered.env = rendered.environment(b)
	rendered.start(b)
	bare, bareProcess := bareProxy(b, "localhost:"+port)
	for range b.N {
		var ratios, tails, work []float64
		var perSecond, p99, cpu [2]float64
		for range rounds {
			for i, proxy := range []struct{ port, pid int }{{rendered.ports.https, rendered.pid}, {bare, bareProcess}} {
				before := cpuTime(b, proxy.pid)
				var requests float64
				requests, perSecond[i], p99[i] = load(b, proxy.port)
				cpu[i] = float64((cpuTime(b, proxy.pid) - before).Microseconds()) / requests
			}
			ratios, tails = append(ratios, perSecond[0]/perSecond[1]), append(tails, p99[0]/p99[1])
			work = append(work, cpu[0]/cpu[1])
		}
		slices.Sort(ratios)
		slices.Sort(tails)
		slices.Sort(work)
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(perSecond[0], "requests/s")
		b.ReportMetric(perSecond[1], "bare-requests/s")
		b.ReportMetric(ratios[rounds/2], "requests-ratio")
		b.ReportMetric(p99[0], "p99-ms")
		b.ReportMetric(p99[1], "bare-p99-ms")
		b.ReportMetric(tails[rounds/2], "p99-ratio")
		b.ReportMetric(cpu[0], "cpu-us/request")
		b.ReportMetric(cpu[1], "bare-cpu-us/request")
		b.ReportMetric(work[rounds/2], "cpu-ratio")
	}
}

// environment returns the environment of Caddy's container.
func (h *host) environment(b *testing.B) []string {
	b.Helper()
	text, err := os.ReadFile(h.paths.Compose())
	if err != nil {
		b.Fatal(err)
	}
	var file struct {
		Services map[string]struct{ Environment map[string]string }
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		b.Fatal(err)
	}
	var env []string
	for name, value := range file.Services[contract.CaddyService].Environment {
		env = append(env, name+"="+value)
	}
	return env
}

// load sends requests for some seconds, as fast as they are answered, over connections that stay open.
func load(b *testing.B, port int) (requests, perSecond, p99 float64) {
	b.Helper()
	attacker := vegeta.NewAttacker(vegeta.MaxWorkers(16), vegeta.Workers(16), vegeta.KeepAlive(true), vegeta.HTTP2(false),
		vegeta.LocalAddr(net.IPAddr{IP: net.IPv4(127, 0, 0, 1)}),
		vegeta.TLSConfig(&tls.Config{ServerName: "shop.example.com", InsecureSkipVerify: true}))
	defer attacker.Stop()
	request := vegeta.NewStaticTargeter(vegeta.Target{
		Method: http.MethodGet, URL: "https://127.0.0.1:" + strconv.Itoa(port) + "/",
		Header: http.Header{"Host": {"shop.example.com"}},
	})
	var metrics vegeta.Metrics
	for result := range attacker.Attack(request, vegeta.Rate{}, 3*time.Second, "") {
		metrics.Add(result)
	}
	metrics.Close()
	if metrics.Success != 1 {
		b.Fatalf("only %.4f of the requests succeeded: %v %v", metrics.Success, metrics.StatusCodes, metrics.Errors)
	}
	return float64(metrics.Requests), metrics.Throughput, float64(metrics.Latencies.P99.Microseconds()) / 1000
}

// bareProxy starts a Caddy that only proxies, logs and compresses, and returns its port and process.
func bareProxy(b *testing.B, upstream string) (port, pid int) {
	b.Helper()
	dir, at := b.TempDir(), freePorts(b)
	path := filepath.Join(dir, "Caddyfile")
	text := fmt.Sprintf("{\n\tadmin off\n\tskip_install_trust\n\thttp_port %d\n\thttps_port %d\n}\nshop.example.com {\n\ttls internal\n\tlog\n\tencode zstd gzip\n\treverse_proxy %s\n}\n",
		at.http, at.https, upstream)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(program, "run", "--config", path, "--adapter", "caddyfile")
	cmd.Env = append(os.Environ(), caddyEnv+"=1", "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	eventually(b, "the bare Caddy did not get ready", func() bool {
		conn, err := tls.Dial("tcp", "127.0.0.1:"+strconv.Itoa(at.https),
			&tls.Config{ServerName: "shop.example.com", InsecureSkipVerify: true})
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
	return at.https, cmd.Process.Pid
}

// cpuTime returns the CPU time that a process has used, which other load on the computer changes less than its throughput.
func cpuTime(b *testing.B, pid int) time.Duration {
	b.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		b.Skip("needs Linux: ", err)
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	var ticks time.Duration
	for _, field := range fields[11:13] { // utime and stime, in hundredths of a second
		n, err := strconv.Atoi(string(field))
		if err != nil {
			b.Fatal(err)
		}
		ticks += time.Duration(n)
	}
	return ticks * 10 * time.Millisecond
}
