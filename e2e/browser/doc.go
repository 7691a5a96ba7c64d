// Package browser looks at the demo app as a person does: in a Chromium without a window. It checks what is on the page
// and, by a screenshot, that it can be seen. Without Chromium its checks are skipped.
package browser
