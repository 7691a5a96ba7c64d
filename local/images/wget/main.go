// Command wget is the part of wget that a container's health check needs: wget -q -O FILE URL. It exits with status 1
// unless the answer is a success, and with 2 if its arguments are wrong.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

func main() {
	flag.Bool("q", false, "show no progress, which this program never does")
	out := flag.String("O", "", "`file` to write the answer to; - is standard output")
	flag.Parse()
	if flag.NArg() != 1 || *out == "" {
		_, _ = fmt.Fprintln(os.Stderr, "wget: usage: wget [-q] -O FILE URL")
		os.Exit(2)
	}
	if err := fetch(context.Background(), flag.Arg(0), *out); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "wget:", err)
		os.Exit(1)
	}
}

// fetch writes what url answers to the file out.
func fetch(ctx context.Context, url, out string) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("get %s: %s", url, resp.Status)
	}
	file := os.Stdout
	if out != "-" {
		if file, err = os.Create(out); err != nil {
			return err
		}
	}
	if _, err := io.Copy(file, resp.Body); err != nil {
		return err
	}
	return file.Close()
}
