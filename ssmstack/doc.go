// Package ssmstack keeps the host up to date through Systems Manager: a document that installs Docker and applies the
// bundle, an association that runs it at first contact, at every change and every half hour, and a document for each
// app that deploys only that app. The documents are thin: the bundle and the host program do the work.
package ssmstack
