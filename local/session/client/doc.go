// Package client has the tests of the operator's sessions, package webstack/internal/operate/session, against the laptop
// cloud's Session Manager and against agents that behave differently.
package client
