package contract

import (
	"slices"
	"testing"
)

func TestConnectionLimits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		usable int
		wanted []int
		want   []int
	}{
		{92, nil, []int{}},
		{92, []int{0}, []int{92}},
		{92, []int{0, 0}, []int{46, 46}},
		{92, []int{0, 50, 0}, []int{21, 50, 21}},
		{92, []int{92, 0}, []int{92, 5}},
		{40, slices.Repeat([]int{0}, 20), slices.Repeat([]int{5}, 20)},
	} {
		if got := ConnectionLimits(c.usable, c.wanted); !slices.Equal(got, c.want) {
			t.Errorf("ConnectionLimits(%d, %v) = %v, want %v", c.usable, c.wanted, got, c.want)
		}
	}
}
