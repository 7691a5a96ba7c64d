// Package imagepin keeps the images of an app's live and previous release from expiring in ECR.
//
// After each deploy it pushes a pin: a small image index that refers to both images. ECR expires no image that an index
// refers to, and the lifecycle policy of the repository keeps the newest pins. So the images stay, however old they are
// and however many were pushed since.
package imagepin
