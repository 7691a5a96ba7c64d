package config

import (
	"testing"
	"time"
)

func TestLongestTimeBetweenTwoRuns(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for schedule, want := range map[Schedule]time.Duration{
		"hourly": time.Hour, "nightly": day, "weekly": 7 * day,
		"cron(0/30 * * * ? *)": 30 * time.Minute, "cron(0 0/12 * * ? *)": 12 * time.Hour,
		"cron(15 3 ? * * *)": day, "cron(15 3 ? * MON *)": 7 * day, "cron(15 3 ? * TUE#3 *)": 35 * day,
		"cron(15 3 ? * TUE#5 *)": 98 * day, "cron(15 3 ? * FRIL *)": 35 * day,
	} {
		if checkSchedule(string(schedule)) != "" {
			t.Errorf("%s is not a schedule", schedule)
		}
		if got := schedule.Longest(); got != want {
			t.Errorf("%s: %s, want %s", schedule, got, want)
		}
	}
}
