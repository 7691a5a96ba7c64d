// Package notify tells people by Slack and by e-mail that something failed on the host, or works again. It is best
// effort: what it cannot send is lost, and never makes the work fail that it is about. What did not happen at all is for
// CloudWatch's alarms.
package notify
