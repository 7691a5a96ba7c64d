// Package ssmstack keeps the host as it should be by way of Systems Manager: a document that installs Docker and
// applies the bundle, an association that runs it at first contact, at every change and every half hour, and a
// document per app that deploys that app and no other. The documents are thin: what is done stands in the bundle and
// in the host program.
package ssmstack
