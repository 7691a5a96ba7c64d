package verify

import (
	"slices"
	"testing"
	"time"

	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// A stack that was destroyed leaves its bucket. Its name may come before or behind that of the new one.
func TestNewestOfTwoBuckets(t *testing.T) {
	t.Parallel()
	for _, left := range []string{theBucket + "0", theBucket[:len(theBucket)-1]} {
		s := newStand(t)
		s.buckets = append(s.buckets, s3types.Bucket{Name: &left, CreationDate: ptr(s.buckets[1].CreationDate.Add(-time.Hour))})
		slices.SortFunc(s.buckets, func(a, b s3types.Bucket) int {
			if *a.Name < *b.Name {
				return -1
			}
			return 1
		})
		if got, err := s.world().findBucket(t.Context()); err != nil || got.name != theBucket {
			t.Errorf("beside %s: found %s, %v", left, got.name, err)
		}
	}
}
