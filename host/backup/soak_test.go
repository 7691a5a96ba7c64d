package backup

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"

	"webstack/contract"
)

func encodeSum(sum uint32) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}

// faultWorld is a stack whose Postgres lives in this process, behind a bucket that has faults.
type faultWorld struct {
	testing.TB
	pg      *postgres
	proxy   *proxy
	server  *httptest.Server
	dir     string
	free    atomic.Int64
	refused bool
	stop    context.CancelFunc
	now     time.Time
	out     bytes.Buffer
}

func newFaultWorld(t testing.TB, dir string) *faultWorld {
	t.Helper()
	// Runs seem to begin later than those before them have really ended.
	later := time.Now().UTC().Truncate(time.Second).Add(24 * time.Hour)
	w := &faultWorld{TB: t, now: later, pg: newPostgres(), dir: dir, stop: func() {}}
	w.proxy = &proxy{bucket: cloud.Bucket(), seen: map[*fault]int{}}
	w.server = httptest.NewUnstartedServer(w.proxy)
	w.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	w.server.Start()
	w.free.Store(1 << 40)
	m := contract.Manifest{
		Version: contract.Version, Project: "webstack", Stack: "dev", Region: "eu-central-1", StackDir: contract.DefaultStackDir,
		PostgresUser: superuser, PostgresDefaultDb: "app", Web: contract.Web{Connections: 1, ConnectionsPerAddress: 1},
	}
	for _, app := range []string{"blog", shop} {
		m.Apps = append(m.Apps, contract.ManifestApp{
			Name: app, Domain: app + ".example.com", Port: 80, HealthPath: "/", Repository: "registry/" + app, Database: app,
			MemoryMb: 64, StartTimeoutSeconds: 1, StopGraceSeconds: 1,
		})
	}
	file := filepath.Join(dir, contract.ManifestPath)
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, m.Encode(), 0o644)); err != nil {
		t.Fatal(err)
	}
	return w
}

// arm arms faults; without any, everything works again.
func (w *faultWorld) arm(faults ...*fault) (hit func() bool) {
	w.free.Store(1 << 40)
	w.pg.mu.Lock()
	defer w.pg.mu.Unlock()
	w.proxy.mu.Lock()
	defer w.proxy.mu.Unlock()
	w.refused, w.pg.step, w.pg.dumps, w.pg.blind, w.pg.calls = false, nil, nil, false, 0
	w.proxy.faults, w.proxy.hits, w.proxy.seen = faults, 0, map[*fault]int{}
	hits := []func() bool{func() bool {
		w.proxy.mu.Lock()
		defer w.proxy.mu.Unlock()
		return w.proxy.hits > 0
	}}
	for _, f := range faults {
		if f.set != nil {
			hits = append(hits, f.set(w))
		}
	}
	return func() bool { return slices.ContainsFunc(hits, func(h func() bool) bool { return h() }) }
}

func (w *faultWorld) options() Options {
	w.now = w.now.Add(time.Second)
	now := w.now
	w.out.Reset()
	return Options{
		StackDir: w.dir, Run: w.pg, Dir: filepath.Join(w.dir, "dumps"), Out: &w.out, Now: func() time.Time { return now },
		Space: func(string) (int64, int64, error) { return 1 << 40, w.free.Load(), nil },
		Store: func(ctx context.Context, _ string) (Store, error) {
			url := w.server.URL
			if w.refused {
				url = "http://127.0.0.1:1"
			}
			cfg, err := config.LoadDefaultConfig(ctx, config.WithBaseEndpoint(url), config.WithLogger(logging.Nop{}), config.WithRetryer(func() aws.Retryer {
				return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Millisecond })
			}))
			return openBucket(cfg, w.proxy.bucket.Name, limits{part: testPart, copied: 2 * testPart, silence: 300 * time.Millisecond}), err
		},
	}
}

func (w *faultWorld) run(do func(ctx context.Context) error) error {
	ctx, stop := context.WithCancel(w.Context())
	defer stop()
	w.stop = stop
	return do(ctx)
}

func (w *faultWorld) backup() error {
	o := w.options()
	return w.run(func(ctx context.Context) error { return Run(ctx, o) })
}

func (w *faultWorld) restore() error {
	o := RestoreOptions{Options: w.options(), Confirm: shop, Record: filepath.Join(w.dir, "restore.json")}
	o.Apps = []string{shop}
	o.Containers = func(context.Context, *os.Root, contract.Manifest, io.Writer) (RestoreApps, error) {
		return noApps{}, nil
	}
	return w.run(func(ctx context.Context) error { return Restore(ctx, o) })
}

// noApps are apps that always start.
type noApps struct{}

func (noApps) InMaintenance(string) (bool, error)                   { return false, nil }
func (noApps) Maintain(context.Context, string, bool, string) error { return nil }
func (noApps) Halt(context.Context, string) error                   { return nil }
func (noApps) Resume(context.Context, string) error                 { return nil }

// good reports whether there is a manifest that every reader accepts, and what it names restores to what the database has.
func (w *faultWorld) good(key, database string) (exists bool, err error) {
	text, ok := w.proxy.bucket.Object(key)
	if !ok {
		return false, nil
	}
	m, err := contract.DecodeBackup(text)
	if err != nil {
		return false, nil // no reader accepts it
	}
	dump, _ := w.proxy.bucket.Object(m.Object.Key)
	roles, _ := w.proxy.bucket.Object(m.Globals.Key)
	live := w.pg.servers[contract.PostgresService][database]
	name, db, bad := decodeDump(dump)
	switch {
	case contract.Sum(dump) != m.Object.SHA256 || contract.Sum(roles) != m.Globals.SHA256:
		err = errors.New("it names other objects than are there")
	case bad != nil || name != database || !slices.Equal(db.Rows, live.Rows):
		err = fmt.Errorf("its dump has other data: %w", bad)
	case m.Database.Name != database || m.Rows() != int64(len(live.Rows)) || m.Database.Tables[0].Hash != sumOf(live.Rows):
		err = errors.New("it says that other data is there")
	}
	return true, err
}

var backedUp = []string{"app", "blog", shop}

// judge checks a backup that has ended, with or without an error: what it says is verified must be, it must have said if
// something is missing, and one database must not stop another.
func (w *faultWorld) judge(what string, ended error, onlyShop bool) {
	w.Helper()
	id, complete := contract.BackupID(w.now), 0
	for _, database := range backedUp {
		exists, err := w.good(contract.BackupKey(id, database, contract.BackupManifest), database)
		kept, wrong := w.good(contract.NewestBackupKey(database, contract.BackupManifest), database)
		switch {
		case exists && err != nil && ended == nil:
			w.Errorf("%s: false success: %s: %v\n%s", what, database, err, w.out.String())
		case exists && err != nil && strings.Contains(w.out.String(), database+": restored and verified"):
			w.Errorf("%s: false success of %s: %v\n%s", what, database, err, w.out.String())
		case exists && kept && wrong == nil:
			complete++
		case onlyShop && database != shop:
			w.Errorf("%s: %s was not backed up\n%s", what, database, w.out.String())
		}
	}
	if ended == nil && complete < len(backedUp) {
		w.Errorf("%s: false success: %d of %d are complete\n%s", what, complete, len(backedUp), w.out.String())
	}
}

// recovers runs a backup without faults, which must succeed and leave nothing.
func (w *faultWorld) recovers(what string) {
	w.Helper()
	w.arm()
	if err := w.backup(); err != nil {
		w.Errorf("%s: the next backup fails: %v\n%s", what, err, w.out.String())
	}
	w.judge(what+", then without faults", nil, false)
	left, _ := os.ReadDir(filepath.Join(w.dir, "dumps"))
	names := strings.Join(w.pg.databases(contract.PostgresService), " ")
	if len(left) > 0 || w.pg.servers[contract.BackupVerifyContainer] != nil || strings.Contains(names, restoring) {
		w.Errorf("%s: left %v, %s", what, left, names)
	}
}

func (p *postgres) databases(container string) (names []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name := range p.servers[container] {
		names = append(names, name)
	}
	return names
}

// faultyBackup makes a backup under faults, and then one without.
func faultyBackup(t testing.TB, dir string, faults ...*fault) (failed bool) {
	t.Helper()
	w, what := newFaultWorld(t, dir), names(faults)
	defer w.server.Close()
	hit := w.arm(faults...)
	err := w.backup()
	if err != nil && !errors.Is(err, ErrFailed) && !errors.Is(err, context.Canceled) {
		t.Logf("%s: %v", what, err)
	}
	if len(faults) == 1 && !hit() && faults[0].skip == 0 && !strings.Contains(what, "at step") {
		t.Errorf("%s: it was never hit", what)
	}
	onlyShop := len(faults) == 1 && faults[0].match != nil && faults[0].match(httptest.NewRequest("PUT", "/?partNumber=1", nil), "x/shop/data.dump") &&
		!faults[0].match(httptest.NewRequest("PUT", "/", nil), "x/blog/data.dump")
	w.judge(what, err, onlyShop)
	w.recovers(what)
	return err != nil
}

// faultyRestore restores under faults: shop has all that it had or all that was backed up, and nothing else changes.
func faultyRestore(t testing.TB, dir string, faults ...*fault) (failed bool) {
	t.Helper()
	w, what := newFaultWorld(t, dir), "restore: "+names(faults)
	defer w.server.Close()
	if err := w.backup(); err != nil {
		t.Fatalf("%s: %v\n%s", what, err, w.out.String())
	}
	backedUp, others := w.pg.hash(shop), w.pg.hash("app", "blog")
	live := w.pg.servers[contract.PostgresService][shop]
	live.Rows = append(slices.Clone(live.Rows[:5]), "written later")
	before := w.pg.hash(shop)
	w.arm(faults...)
	err := w.restore()
	w.arm()
	healed := w.restoreLook()
	now := w.pg.hash(shop)
	switch {
	case healed != nil:
		t.Errorf("%s: the next restore fails: %v\n%s", what, healed, w.out.String())
	case err == nil && now != backedUp, err != nil && now != before && now != backedUp, w.pg.hash("app", "blog") != others:
		t.Errorf("%s: %v, but the data is another\n%s", what, err, w.out.String())
	}
	if again := w.restore(); again != nil || w.pg.hash(shop) != backedUp {
		t.Errorf("%s: the same restore without faults: %v\n%s", what, again, w.out.String())
	}
	return err != nil
}

// restoreLook ends what a killed restore has begun, as the next converge does.
func (w *faultWorld) restoreLook() error {
	o := RestoreOptions{Options: w.options(), To: "look", Record: filepath.Join(w.dir, "restore.json")}
	o.Apps = []string{shop}
	o.Containers = func(context.Context, *os.Root, contract.Manifest, io.Writer) (RestoreApps, error) {
		return noApps{}, nil
	}
	return Restore(w.Context(), o)
}

func names(faults []*fault) string {
	var all []string
	for _, f := range faults {
		all = append(all, f.name)
	}
	return strings.Join(all, " and ")
}

// TestEveryFault plays each kind of fault once, in a backup and in a restore.
func TestEveryFault(t *testing.T) {
	t.Parallel()
	all := append(s3Faults(), hostFaults()...)
	for n := 1; n <= 100; n += 9 {
		all = append(all, stepFaults(n)...)
	}
	begun, failed, refused := time.Now(), 0, 0
	for i, f := range all {
		if raceDetector && i%8 != 0 {
			continue // it takes too long; make test plays them all without
		}
		if faultyBackup(t, t.TempDir(), f) {
			failed++
		}
		if faultyRestore(t, t.TempDir(), f) {
			refused++
		}
	}
	t.Logf("%d kinds of faults in %s: %d backups and %d restores failed, the others succeeded in spite of them", len(all),
		time.Since(begun).Round(100*time.Millisecond), failed, refused)
}

// TestSoak plays random faults, one to three at a time. WEBSTACK_SOAK is the number of runs, and WEBSTACK_SOAK_SEED
// repeats a soak.
func TestSoak(t *testing.T) {
	t.Parallel()
	runs, seed := 20, uint64(1)
	if text := os.Getenv("WEBSTACK_SOAK"); text != "" {
		var err error
		if runs, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
		seed = uint64(time.Now().UnixNano()) //nolint:gosec // any number will do
	}
	if text := os.Getenv("WEBSTACK_SOAK_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // no secret
	kinds, begun, failed := append(s3Faults(), hostFaults()...), time.Now(), 0
	slices.SortFunc(kinds, func(a, b *fault) int { return strings.Compare(a.name, b.name) })
	for run := 1; run <= runs; run++ {
		var faults []*fault
		for range 1 + random.IntN(3) {
			if random.IntN(4) == 0 {
				faults = append(faults, stepFaults(1 + random.IntN(120))[random.IntN(3)])
				continue
			}
			f := *kinds[random.IntN(len(kinds))]
			if f.match != nil && random.IntN(2) == 0 {
				f.skip, f.times = random.IntN(4), 1+random.IntN(3)
			}
			faults = append(faults, &f)
		}
		play := faultyBackup
		if random.IntN(3) == 0 {
			play = faultyRestore
		}
		dir := t.TempDir()
		if play(t, dir, faults...) {
			failed++
		}
		_ = os.RemoveAll(dir)
		if run%100 == 0 || t.Failed() {
			t.Logf("%d of %d runs in %s, %d failed as they should", run, runs, time.Since(begun).Round(time.Second), failed)
		}
		if t.Failed() {
			t.Fatalf("run %d found a bug; repeat it with WEBSTACK_SOAK=%d WEBSTACK_SOAK_SEED=%d", run, run, seed)
		}
	}
}
