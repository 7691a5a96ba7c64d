package config

import (
	"strings"

	"webstack/internal/nearest"
)

// unknown reports a name that is not known: which are, and which of them was probably meant.
func (d *decoder) unknown(path, wrong, name string, known []Key) {
	names := make([]string, 0, len(known))
	for _, k := range known {
		names = append(names, k.Name)
	}
	bare := make([]string, 0, len(names)) // the namespace does not make two names alike
	for _, n := range names {
		bare = append(bare, n[strings.Index(n, ":")+1:])
	}
	d.add(path, wrong+didYouMean(name, bare), strings.Join(names, ", "))
}

// didYouMean asks whether the known name that resembles name was meant, "" when none does.
func didYouMean(name string, known []string) string {
	meant := nearest.To(name, known)
	if meant == "" {
		return ""
	}
	return "; did you mean " + meant + "?"
}
