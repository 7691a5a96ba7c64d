// Package moto finds, installs and runs moto, the AWS emulator that holds the laptop cloud's account, as a process of
// its own that ends with its parent.
package moto
