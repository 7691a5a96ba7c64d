package gateway

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// schedule is when an association runs on its own.
type schedule struct {
	interval time.Duration // 0 for never
}

var (
	rate  = regexp.MustCompile(`^rate\(([1-9][0-9]{0,5}) (minute|hour|day)s?\)$`)
	units = map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}
)

const (
	// minRate and maxRate limit the interval of a rate.
	minRate = 30 * time.Minute
	maxRate = 31 * 24 * time.Hour
)

// parseSchedule parses a schedule expression of State Manager; "" is no schedule. State Manager also has cron() and at(),
// which are refused here.
func parseSchedule(expression string) (schedule, error) {
	if expression == "" {
		return schedule{}, nil
	}
	found := rate.FindStringSubmatch(expression)
	if found == nil {
		return schedule{}, fmt.Errorf("the laptop cloud supports only rate()")
	}
	count, _ := strconv.Atoi(found[1]) // six digits at most
	s := schedule{interval: time.Duration(count) * units[found[2]]}
	if s.interval < minRate || s.interval >= maxRate {
		return schedule{}, fmt.Errorf("a rate must be 30 minutes to 30 days")
	}
	return s, nil
}

// next returns the first scheduled time after a given time; zero if there is none.
func (s schedule) next(after time.Time) time.Time {
	if s.interval == 0 {
		return time.Time{}
	}
	return after.Add(s.interval)
}
