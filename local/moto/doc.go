// Package moto finds, installs and runs moto, the emulator of AWS that keeps the laptop cloud's account, as a process
// of its own that ends with the one that started it.
package moto
