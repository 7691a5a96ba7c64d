package main

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Limits of what a visitor may send and request.
const (
	maxName    = 40
	maxMessage = 280
	maxForm    = 8 << 10
	maxSlow    = 60 * time.Second
)

// patience is how long a page waits for the database.
const patience = 5 * time.Second

//go:embed page.html static
var files embed.FS

var page = template.Must(template.ParseFS(files, "page.html"))

// entry is one entry of the guestbook.
type entry struct {
	Name, Message string
	Written       time.Time
}

// guestbook is what the page reads and writes.
type guestbook interface {
	// Visit counts a visit and returns the count and the newest entries, the newest first.
	Visit(ctx context.Context) (visits int64, entries []entry, err error)
	// Write adds an entry.
	Write(ctx context.Context, name, message string) error
	// Check reports whether the database answers and has its tables.
	Check(ctx context.Context) error
}

// app is the web app.
type app struct {
	log *slog.Logger
	// title is the name of the site; "" uses the first part of the requested host name.
	title   string
	version string
	// healthPath is an additional path for the health check, besides /health; "" and "/" add none.
	healthPath string
	// guests is nil without a database.
	guests  guestbook
	ending  atomic.Bool
	sockets sockets
}

func (a *app) handler() http.Handler {
	static, err := fs.Sub(files, "static")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.home)
	mux.HandleFunc("POST /guestbook", a.write)
	mux.HandleFunc("GET /health", a.health)
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, a.version) })
	mux.HandleFunc("GET /slow", a.slow)
	mux.HandleFunc("GET /ws", a.socket)
	mux.Handle("GET /static/", http.StripPrefix("/static/", http.FileServerFS(static)))
	// Forms on other sites can send requests to this one; they are rejected.
	return headers(http.NewCrossOriginProtection().Handler(a.healthAt(mux)))
}

// healthAt answers the health path that the server was configured with, whatever it is.
func (a *app) healthAt(next http.Handler) http.Handler {
	at, err := url.Parse(a.healthPath)
	if err != nil || at.Path == "" || at.Path == "/" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.URL.Path == at.Path {
			a.health(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// headers tells browsers to load nothing from elsewhere.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'; base-uri 'none'")
		next.ServeHTTP(w, r)
	})
}

// view is what the page shows.
type view struct {
	Title, Version string
	Visits         int64
	Entries        []entry
	// Problem is the reason why there is no guestbook.
	Problem             string
	MaxName, MaxMessage int
}

func (a *app) home(w http.ResponseWriter, r *http.Request) {
	shown := view{
		Title: a.titleFor(r), Version: a.version, MaxName: maxName, MaxMessage: maxMessage,
		Problem: "This app runs without a database, so it has no guestbook. Set DATABASE_URL to give it one.",
	}
	if a.guests != nil {
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		var err error
		shown.Problem = ""
		if shown.Visits, shown.Entries, err = a.guests.Visit(ctx); err != nil {
			a.log.Error("read the guestbook", "error", err)
			shown.Problem = "The guestbook is closed for now: the database does not answer."
		}
	}
	var text bytes.Buffer
	if err := page.Execute(&text, shown); err != nil {
		a.fail(w, "write the page", err, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(text.Bytes())
}

// titleFor returns the name of the site: "shop" for a visitor of shop.example.com.
func (a *app) titleFor(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	label, _, _ := strings.Cut(host, ".")
	switch {
	case a.title != "":
		return a.title
	case label == "" || net.ParseIP(strings.Trim(host, "[]")) != nil:
		return "hello"
	}
	return label
}

func (a *app) write(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "This form cannot be read.", http.StatusBadRequest)
		return
	}
	name, message := strings.TrimSpace(r.PostForm.Get("name")), strings.TrimSpace(r.PostForm.Get("message"))
	if problem := errors.Join(checkText("name", name, maxName), checkText("message", message, maxMessage)); problem != nil {
		http.Error(w, problem.Error(), http.StatusBadRequest)
		return
	}
	if a.guests == nil {
		http.Error(w, "This app runs without a database.", http.StatusServiceUnavailable)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	if err := a.guests.Write(ctx, name, message); err != nil {
		a.fail(w, "write to the guestbook", err, http.StatusServiceUnavailable)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// checkText rejects what Postgres cannot store, and texts that are empty or too long.
func checkText(field, text string, limit int) error {
	length := len([]rune(text))
	if length < 1 || length > limit || strings.ToValidUTF8(text, "") != text || strings.ContainsRune(text, 0) {
		return fmt.Errorf("%s: give 1 to %d characters", field, limit)
	}
	return nil
}

// health answers 200 if the app can serve: it is not shutting down, and its database, if it has one, answers.
func (a *app) health(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if a.ending.Load() {
		http.Error(w, "ending", http.StatusServiceUnavailable)
		return
	}
	if a.guests != nil {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		if err := a.guests.Check(ctx); err != nil {
			a.fail(w, "reach the database", err, http.StatusServiceUnavailable)
			return
		}
	}
	_, _ = fmt.Fprintln(w, "ok")
}

// slow answers after ms milliseconds.
func (a *app) slow(w http.ResponseWriter, r *http.Request) {
	ms, err := strconv.ParseUint(r.URL.Query().Get("ms"), 10, 32)
	wait := time.Duration(ms) * time.Millisecond
	if err != nil || wait > maxSlow {
		http.Error(w, fmt.Sprintf("ms: give a number from 0 to %d", maxSlow.Milliseconds()), http.StatusBadRequest)
		return
	}
	select {
	case <-time.After(wait):
		_, _ = fmt.Fprintf(w, "answered after %d ms by version %s\n", ms, a.version)
	case <-r.Context().Done():
	}
}

// fail logs the cause and tells the visitor only what could not be done.
func (a *app) fail(w http.ResponseWriter, doing string, err error, status int) {
	a.log.Error(doing, "error", err)
	http.Error(w, "could not "+doing, status)
}
