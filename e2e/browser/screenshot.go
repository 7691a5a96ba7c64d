package browser

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// look checks with a screenshot that the parts of the page can be seen: that each is in the right place, and has
// something drawn on it.
func (d Demo) look(ctx context.Context, tb testing.TB) {
	tb.Helper()
	// Positions of elements are relative to the visible part, but the screenshot shows the whole page.
	get(ctx, tb, "go to the top", chromedp.Evaluate[bool](`window.scrollTo(0, 0); true`))
	shot := get(ctx, tb, "take a screenshot", chromedp.FullScreenshot(100))
	if dir := os.Getenv("SCREENSHOTS"); dir != "" {
		path := filepath.Join(dir, d.Title+".png")
		if err := os.WriteFile(path, shot, 0o644); err != nil {
			tb.Errorf("keep the screenshot: %v", err)
		}
	}
	picture, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		tb.Fatalf("read the screenshot: %v", err)
	}
	whole := picture.Bounds()
	for _, part := range []struct {
		selector string
		// spread is the least standard deviation of the brightness, 0..255: that of text on a plain ground.
		spread float64
	}{{"header", 15}, {"#title", 15}, {"section", 5}, {"#heard", 5}} {
		area := box(ctx, tb, part.selector)
		if area.Empty() || !area.In(whole) {
			tb.Errorf("%s is at %v of %v", part.selector, area, whole)
			continue
		}
		if got := spread(picture, area); got < part.spread {
			tb.Errorf("%s is blank: its brightness varies by %.1f, want %.1f", part.selector, got, part.spread)
		}
	}
	// The header's background, next to its text, is the only strong green on the page.
	header := box(ctx, tb, "header")
	if red, green, blue := colour(picture, header.Min.Add(image.Pt(5, 5))); green < red+40 || green < blue+15 {
		tb.Errorf("the header's ground is %s", fmt.Sprint(red, green, blue))
	}
}

// box returns the position of the first matching element, in pixels.
func box(ctx context.Context, tb testing.TB, selector string) image.Rectangle {
	tb.Helper()
	b := get(ctx, tb, "find "+selector, chromedp.Dimensions(selector)).Border
	return image.Rect(int(math.Ceil(b[0])), int(math.Ceil(b[1])), int(b[4]), int(b[5]))
}

// spread returns the standard deviation of the brightness.
func spread(picture image.Image, area image.Rectangle) float64 {
	var sum, squares, count float64
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			red, green, blue := colour(picture, image.Pt(x, y))
			bright := float64(red+green+blue) / 3
			sum, squares, count = sum+bright, squares+bright*bright, count+1
		}
	}
	mean := sum / count
	return math.Sqrt(max(squares/count-mean*mean, 0))
}

// colour is that of a pixel, 0..255 each.
func colour(picture image.Image, at image.Point) (red, green, blue int) {
	r, g, b, _ := picture.At(at.X, at.Y).RGBA()
	return int(r >> 8), int(g >> 8), int(b >> 8)
}
