// Package ecr gives each app an image repository and, where its GitHub repository is known, a role by which that
// repository's workflow pushes images and runs the app's deploy, and nothing else.
package ecr
