package config

import (
	"strings"

	"webstack/internal/nearest"
)

// unknown reports an unknown name, with the known ones and the one that was probably meant.
func (d *decoder) unknown(path, wrong, name string, known []Key) {
	names := make([]string, 0, len(known))
	for _, k := range known {
		names = append(names, k.Name)
	}
	bare := make([]string, 0, len(names)) // without the namespace, which would make all names similar
	for _, n := range names {
		bare = append(bare, n[strings.Index(n, ":")+1:])
	}
	d.add(path, wrong+didYouMean(name, bare), strings.Join(names, ", "))
}

// didYouMean suggests the known name that is most similar to name, "" if none is similar.
func didYouMean(name string, known []string) string {
	meant := nearest.To(name, known)
	if meant == "" {
		return ""
	}
	return "; did you mean " + meant + "?"
}
