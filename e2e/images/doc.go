// Package images tests the images that are made without a registry by running them as a host would: with the options of
// the rendered Compose file. It needs a Docker engine.
package images
