// Package appfile adds an app to the text of a stack file, or removes one. It inserts or removes whole lines and leaves
// every other byte unchanged: comments, order, quotes and line ends stay the author's.
package appfile
