// Package client has tests of the client of sessions, package webstack/internal/operate/session, against the laptop
// cloud's Session Manager and against agents that behave differently.
package client
