// Package converge makes the files under the stack directory equal to a bundle: it reads the manifest and the files
// that differ from the artifacts bucket, verifies every checksum, and only then moves them into place. If it is killed
// at any point, the next run completes the work. It reads nothing from the environment.
package converge
