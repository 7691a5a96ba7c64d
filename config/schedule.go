package config

import (
	"strconv"
	"strings"
	"time"

	"webstack/internal/lazyregexp"
)

// Schedule is when backups are made: one of the words hourly, nightly and weekly, or a cron(...) expression that
// State Manager accepts. Times are in UTC.
type Schedule string

// scheduleWords are the words that a Schedule may be.
var scheduleWords = map[Schedule]string{
	"hourly":  "cron(0 0/1 * * ? *)",
	"nightly": "cron(15 3 ? * * *)",
	"weekly":  "cron(15 3 ? * SUN *)",
}

// schedulePattern is the forms of cron(...) that State Manager documents: every half hour, every 1, 2, 4, 8 or
// 12 hours, daily, on a day of the week, on its nth or on its last in the month. Months are not supported. rate(...) is
// not accepted because it would also run at every change of the association.
var schedulePattern = lazyregexp.New(`^cron\((?:` +
	`0/30 \* \* \* \? \*` +
	`|0 0/(?:1|2|4|8|12) \* \* \? \*` +
	`|[0-5]?[0-9] (?:[01]?[0-9]|2[0-3]) \? \* (?:\*|(?:MON|TUE|WED|THU|FRI|SAT|SUN)(?:#[1-5]|L)?) \*` +
	`)\)$`)

// ScheduleExpression returns the schedule in State Manager's syntax.
func (s Schedule) ScheduleExpression() string {
	if cron, ok := scheduleWords[s]; ok {
		return cron
	}
	return string(s)
}

func checkSchedule(v string) string {
	if scheduleWords[Schedule(v)] == "" && !schedulePattern.MatchString(v) {
		return "is not a schedule"
	}
	return ""
}

// Longest returns the longest time between two runs.
func (s Schedule) Longest() time.Duration {
	const day = 24 * time.Hour
	fields := strings.Fields(strings.TrimSuffix(strings.TrimPrefix(s.ScheduleExpression(), "cron("), ")"))
	every, _ := strconv.Atoi(strings.TrimPrefix(fields[1], "0/"))
	switch weekday := fields[4]; {
	case fields[0] == "0/30":
		return 30 * time.Minute
	case strings.HasPrefix(fields[1], "0/"):
		return time.Duration(every) * time.Hour
	case weekday == "*":
		return day
	case strings.HasSuffix(weekday, "#5"):
		return 98 * day // most months have no fifth one
	case strings.ContainsAny(weekday, "#L"):
		return 35 * day // once a month, at most five weeks apart
	default:
		return 7 * day
	}
}
