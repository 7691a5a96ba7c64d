// Package browser checks the demo app in a headless Chromium: what is on the page and, with a screenshot, that it can
// be seen. Without Chromium its checks are skipped.
package browser
