package gateway

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/cronexpr"
)

// schedule is when an association runs on its own.
type schedule struct {
	interval time.Duration        // of a rate
	cron     *cronexpr.Expression // in UTC
}

var (
	rate = regexp.MustCompile(`^rate\(([1-9][0-9]{0,5}) (minute|hour|day)s?\)$`)
	cron = regexp.MustCompile(`^cron\(([0-9A-Z*/,\-?#L]+(?: [0-9A-Z*/,\-?#L]+){5})\)$`)
	// weekday matches numeric days of the week, which AWS counts from 1, not from 0.
	weekday = regexp.MustCompile(`(^|[^#0-9])([1-7])`)
	units   = map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}
)

const (
	// minRate and maxRate limit the interval of a rate.
	minRate = 30 * time.Minute
	maxRate = 31 * 24 * time.Hour
)

// parseSchedule parses a schedule expression of State Manager; "" is no schedule. State Manager also has at(), which is
// rejected here.
func parseSchedule(expression string) (schedule, error) {
	var s schedule
	if expression == "" {
		return s, nil
	}
	if found := rate.FindStringSubmatch(expression); found != nil {
		count, _ := strconv.Atoi(found[1]) // six digits at most
		s.interval = time.Duration(count) * units[found[2]]
		if s.interval < minRate || s.interval >= maxRate {
			return s, fmt.Errorf("a rate must be 30 minutes to 30 days")
		}
		return s, nil
	}
	found := cron.FindStringSubmatch(expression)
	if found == nil {
		return s, fmt.Errorf("use rate(), or cron() with 6 fields")
	}
	fields := strings.Fields(found[1])
	if fields[3] != "*" {
		return s, fmt.Errorf("leave the month of cron() at *: State Manager does not support months")
	}
	fields[4] = weekday.ReplaceAllStringFunc(fields[4], func(day string) string {
		last := len(day) - 1
		return day[:last] + string(day[last]-1)
	})
	var err error
	if s.cron, err = cronexpr.Parse(strings.Join(fields, " ")); err != nil {
		return s, fmt.Errorf("parse cron(): %w", err)
	}
	return s, nil
}

// next returns the first scheduled time after a given time; zero if there is none.
func (s schedule) next(after time.Time) time.Time {
	switch {
	case s.interval > 0:
		return after.Add(s.interval)
	case s.cron != nil:
		return s.cron.Next(after.UTC())
	default:
		return time.Time{}
	}
}
