package browser

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"webstack/internal/tooltest"
)

const (
	width, height = 1000, 900
	// patience is how long one action in the browser may take; a busy computer starts it slowly.
	patience = 2 * time.Minute
)

// find returns the path of a Chromium or Chrome, and skips the test without one.
func find(tb testing.TB) string {
	tb.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	tooltest.Missing(tb, "Chromium is not installed; install the package chromium")
	return ""
}

// open starts a browser, which ends with the test.
func open(tb testing.TB) context.Context {
	tb.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(find(tb)),
		chromedp.WindowSize(width, height),
		chromedp.IgnoreCertErrors,
		chromedp.Flag("force-prefers-color-scheme", "light"),
	)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // the sandbox does not work as root
	}
	allocator, stop := chromedp.NewExecAllocator(tb.Context(), options...)
	tb.Cleanup(stop)
	ctx, end := chromedp.NewContext(allocator)
	tb.Cleanup(end)
	return ctx
}

// do runs actions one after the other.
func do(ctx context.Context, tb testing.TB, doing string, actions ...chromedp.Action[chromedp.Void]) {
	tb.Helper()
	start(ctx, tb)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		tb.Fatalf("%s: %v", doing, err)
	}
}

// get runs an action and returns what it yields.
func get[T any](ctx context.Context, tb testing.TB, doing string, action chromedp.Action[T]) T {
	tb.Helper()
	start(ctx, tb)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		tb.Fatalf("%s: %v", doing, err)
	}
	return value
}

// start starts the browser unless it runs; it lives as long as the context that it is started with.
func start(ctx context.Context, tb testing.TB) {
	tb.Helper()
	if err := chromedp.Do(ctx); err != nil {
		tb.Fatalf("start Chromium: %v", err)
	}
}
