// Package operate works on a running stack for its operator: it finds the stack's host by its tag, runs the stack's own
// documents on it, and inspects the account. It reads from the stack file what should exist and calls only AWS APIs, so
// that the AWS console and the aws command can do the same. It needs neither Pulumi nor its state, and none of the
// stack's secrets.
package operate
