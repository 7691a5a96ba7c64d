// Package nearest finds the known name that a misspelled one was probably meant to be.
package nearest

import "strings"

// To returns the known name that resembles name most, "" when none does. Case, underscores and dashes make no
// difference; a part of a known name resembles it, and so does one with a typo or two.
func To(name string, known []string) string {
	fold := func(s string) string {
		return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(s))
	}
	given, best, least := fold(name), "", 1<<30
	limit := 1 + min(len(given)/5, 2)
	for _, candidate := range known {
		other := fold(candidate)
		far := distance(given, other)
		switch {
		case far == 0:
		case len(given) >= 3 && strings.Contains(other, given), commonPrefix(given, other) >= 5:
			far = min(far, limit)
		}
		if far <= limit && far < least {
			best, least = candidate, far
		}
	}
	return best
}

func commonPrefix(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// distance is the number of letters to add, drop, change or swap with their neighbour between a and b.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
