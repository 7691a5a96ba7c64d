// Package deploys tests deploys on a host of the laptop cloud: that nobody notices a good one, and that a bad or
// interrupted one does no harm.
package deploys
