package browser

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Demo is what the page of a demo app must show.
type Demo struct {
	// URL is where a browser finds it. Its certificate is not verified.
	URL string
	// Title is its name.
	Title string
	// Version is its version, "" for any.
	Version string
	// Guestbook is true if it has a database: the check then signs its guestbook.
	Guestbook bool
}

// Check opens the page and uses it: it signs the guestbook and talks over the WebSocket.
func (d Demo) Check(tb testing.TB) {
	tb.Helper()
	ctx := open(tb)
	do(ctx, tb, "open the page", chromedp.Navigate(d.URL))
	title := get(ctx, tb, "read the page's title", chromedp.Title())
	heading := get(ctx, tb, "read the heading", chromedp.Text("#title"))
	version := get(ctx, tb, "read the version", chromedp.Text("#version"))
	problem := get(ctx, tb, "look for a problem",
		chromedp.Evaluate[string](`document.querySelector("#problem")?.textContent ?? ""`))
	if title != d.Title || heading != d.Title {
		tb.Errorf("the page is called %q and %q, want %q", title, heading, d.Title)
	}
	if version == "" || d.Version != "" && version != d.Version {
		tb.Errorf("the page shows version %q, want %q", version, d.Version)
	}
	if d.Guestbook != (problem == "") {
		tb.Errorf("the guestbook's problem is %q", problem)
	}
	if d.Guestbook && problem == "" {
		d.sign(tb)
	}
	const said = "is anybody there?"
	get(ctx, tb, "wait for the WebSocket", chromedp.Poll[bool](`document.querySelector("#live").dataset.state === "open"`))
	do(ctx, tb, "say something", chromedp.SendKeys("#text", said+"\r"))
	heard := get(ctx, tb, "wait for the answer", chromedp.Poll[string](
		`document.querySelector("#heard").textContent.includes("`+said+`") && document.querySelector("#heard").textContent`))
	clock, _, _ := strings.Cut(heard, " ")
	if _, err := time.Parse(time.RFC3339, clock); err != nil {
		tb.Errorf("the WebSocket answers %q", heard)
	}
	d.look(ctx, tb)
}

// sign signs the guestbook, and looks for the entry on the next page.
func (d Demo) sign(tb testing.TB) {
	tb.Helper()
	ctx := open(tb)
	message := "seen by a browser at " + time.Now().Format(time.RFC3339Nano)
	do(ctx, tb, "sign the guestbook",
		chromedp.Navigate(d.URL),
		chromedp.SendKeys(`[name="name"]`, "A browser"),
		chromedp.SendKeys(`[name="message"]`, message),
	)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click("main form button")); err != nil {
		tb.Fatalf("send the entry: %v", err)
	}
	entry := get(ctx, tb, "read the newest entry", chromedp.Text("#entries li"))
	if !strings.Contains(entry, message) || !strings.Contains(entry, "A browser") {
		tb.Errorf("the newest entry is %q, want %q", entry, message)
	}
}
