// Package appfile adds an app to the text of a stack file, or removes one. It inserts or cuts lines and leaves every
// other byte as it was: comments, order, quotes and line ends are the author's.
package appfile
