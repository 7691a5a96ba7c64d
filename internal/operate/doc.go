// Package operate does for a running stack what its operator asks for: it finds the stack's host by its tag, runs the
// stack's own documents on it, and looks at the account. It reads the stack file for what should be there and calls
// nothing but AWS's APIs, so that the console and plain aws can do the same. It needs neither Pulumi nor its state, and
// no secret of the stack.
package operate
