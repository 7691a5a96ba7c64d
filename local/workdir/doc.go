// Package workdir defines the layout of .webstack, the one folder of a clone that the laptop cloud and the builds write
// to, and the locks in it.
package workdir
