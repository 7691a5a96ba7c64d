// Command app is an app for the tests of deploys. The variable MODE of its image says how it behaves.
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/coder/websocket"
)

func main() {
	if len(os.Args) > 1 {
		os.Exit(task(os.Args[1:]))
	}
	mode, address := os.Getenv("MODE"), ":"+os.Getenv("PORT")
	fmt.Println("this is version", os.Getenv("VERSION"), "in mode", mode)
	switch mode {
	case "exits":
		return
	case "crashes":
		os.Exit(3)
	case "hungry":
		eat()
	case "other-port":
		address = ":9999"
	case "loopback":
		address = "127.0.0.1:" + os.Getenv("PORT")
	}
	serve(address, mode != "sick")
}

// eat uses more memory than the container may have.
func eat() {
	var all [][]byte
	for {
		page := make([]byte, 1<<20)
		for i := range page {
			page[i] = 1
		}
		all = append(all, page)
		_ = all
	}
}

// task is a command that is run in a container of the app.
func task(args []string) int {
	switch args[0] {
	case "migrate":
		fmt.Println("migrating to", os.Getenv("VERSION"))
		switch os.Getenv("MODE") {
		case "bad-migration":
			fmt.Println("no such column")
			return 4
		case "slow-migration":
			time.Sleep(time.Hour)
		}
	case "env":
		fmt.Println(os.Getenv(args[1]))
	case "fail":
		return 42
	case "sleep":
		time.Sleep(time.Hour)
	}
	return 0
}

func serve(address string, healthy bool) {
	mux := http.NewServeMux()
	identity := os.Getenv("APP") + " " + os.Getenv("VERSION")
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			return
		}
		_, _ = fmt.Fprintln(w, identity, n)
	})
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) {
		if !healthy {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		wait, _ := time.ParseDuration(r.URL.Query().Get("for"))
		time.Sleep(wait)
		_, _ = fmt.Fprintln(w, identity)
	})
	mux.HandleFunc("/ws", func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = conn.CloseNow() }()
		for {
			kind, text, err := conn.Read(r.Context())
			if err != nil || conn.Write(r.Context(), kind, append([]byte(identity+" "), text...)) != nil {
				return
			}
		}
	})
	server := &http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: time.Minute}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	go func() {
		<-ended
		_ = server.Close() // what is in flight is cut off: the test would see it
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
}
