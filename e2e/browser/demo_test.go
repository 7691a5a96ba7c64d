package browser

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"webstack/e2e/lab"
)

// The demo app on its own, without a database.
func TestDemoWithoutDatabase(t *testing.T) {
	t.Parallel()
	find(t)
	url := serve(t, "SITE_TITLE=Our demo", "VERSION=1.2.3")
	Demo{URL: url, Title: "Our demo", Version: "1.2.3"}.Check(t)
}

// serve builds the demo app and runs it on a free port.
func serve(t *testing.T, env ...string) (url string) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "hello")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Dir = filepath.Join(lab.ProjectRoot(t), "examples", "hello")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the demo app: %v\n%s", err, out)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	_, port, _ := net.SplitHostPort(address)
	var said bytes.Buffer
	cmd := exec.Command(program)
	cmd.Env = append(append(os.Environ(), "PORT="+port, "DATABASE_URL="), env...)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil || t.Failed() {
			t.Logf("the demo app ended with %v and said:\n%s", err, said.String())
		}
	})
	for deadline := time.Now().Add(patience); ; {
		resp, err := http.Get("http://" + address + "/health")
		if err == nil {
			_ = resp.Body.Close()
			return "http://" + address + "/"
		}
		if time.Now().After(deadline) {
			t.Fatalf("the demo app does not answer: %v", err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestSpreadTellsTextFromAPlainGround(t *testing.T) {
	t.Parallel()
	picture := image.NewRGBA(image.Rect(0, 0, 100, 100))
	draw.Draw(picture, picture.Bounds(), image.NewUniform(color.RGBA{200, 200, 200, 255}), image.Point{}, draw.Src)
	if got := spread(picture, picture.Bounds()); got != 0 {
		t.Errorf("a plain ground varies by %v", got)
	}
	for y := 10; y < 20; y++ {
		draw.Draw(picture, image.Rect(10, y, 60, y+1), image.Black, image.Point{}, draw.Src)
	}
	if got := spread(picture, picture.Bounds()); got < 30 {
		t.Errorf("letters vary by %v only", got)
	}
}
