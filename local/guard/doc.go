// Package guard keeps strangers away from services that listen on this computer's loopback address. Every web page in a
// browser, every program and every user of the computer can send requests there.
package guard
