package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

func TestFetch(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/broken" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = w.Write([]byte("ok"))
	}))
	out := filepath.Join(t.TempDir(), "answer")
	if err := fetch(t.Context(), server.URL, out); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(out); err != nil || string(got) != "ok" {
		t.Errorf("got %q, %v", got, err)
	}
	if err := fetch(t.Context(), server.URL+"/broken", os.DevNull); err == nil {
		t.Error("a failure is not an error")
	}
	server.Close()
	if err := fetch(t.Context(), server.URL, os.DevNull); err == nil {
		t.Error("a missing answer is not an error")
	}
}
