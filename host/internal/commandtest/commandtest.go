// Package commandtest runs no programs: tests say what each one would do.
package commandtest

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"

	"webstack/host/command"
)

// Runner is a command.Runner whose programs are functions. It is ready for use as it is, and knows no program.
type Runner struct {
	mu       sync.Mutex
	calls    []Call
	programs map[string]Program
}

// Call is one run of a program.
type Call struct {
	command.Command
	// Input is all that came by standard input.
	Input string
}

// Line is the call as one would type it.
func (c Call) Line() string { return strings.Join(append([]string{c.Name}, c.Args...), " ") }

// Program answers calls. Fail makes an error of it.
type Program func(c Call) (out string, err error)

// Set says what a program does.
func (r *Runner) Set(name string, p Program) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.programs == nil {
		r.programs = map[string]Program{}
	}
	r.programs[name] = p
}

// Fail is what a program returns that fails.
func Fail(name string, code int, message string) error {
	return &command.ExitError{Program: name, Code: code, Message: message}
}

// Run calls the program's function.
func (r *Runner) Run(ctx context.Context, c command.Command) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("run %s: %w", c.Name, err)
	}
	call := Call{Command: c}
	if c.Stdin != nil {
		input, err := io.ReadAll(c.Stdin)
		if err != nil {
			return nil, err
		}
		call.Input = string(input)
	}
	r.mu.Lock()
	r.calls = append(r.calls, call)
	program, ok := r.programs[c.Name]
	r.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("run %s: there is no such program", call.Line())
	}
	out, err := program(call)
	if c.Stdout != nil {
		_, _ = io.WriteString(c.Stdout, out)
		return nil, err
	}
	return []byte(out), err
}

// Calls are the runs so far.
func (r *Runner) Calls() []Call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Call{}, r.calls...)
}

// Lines are the calls so far as one would type them.
func (r *Runner) Lines() []string {
	var out []string
	for _, c := range r.Calls() {
		out = append(out, c.Line())
	}
	return out
}

// Program is what a program does that was Set.
func (r *Runner) Program(name string) Program {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.programs[name]
}
