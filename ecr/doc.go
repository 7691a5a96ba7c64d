// Package ecr gives each app an image repository and, if its GitHub repository is known, a role with which that
// repository's workflow may push images and deploy the app, and nothing else.
package ecr
