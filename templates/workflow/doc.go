// Package workflow has the GitHub Actions workflow with which an app's repository deploys. It does without text/template,
// which keeps the linker from leaving out methods that nothing calls: webstack would be four times as large.
package workflow
