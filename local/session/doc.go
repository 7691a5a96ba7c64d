// Package session is Session Manager's side of a session in the laptop cloud: the service, which hands out tokens and takes
// WebSockets, and the SSM agent, which runs a shell or a command on a machine. Like the agent it runs them as ssm-user, who
// may do everything with sudo; on a machine that has no sudo, where that user could do nothing, it runs them as root.
// It differs from AWS in this: output of a command without terminal comes while it is made, the interrupt key kills such a
// command, every session begins with a handshake, and a session ends for idleness only when no client is connected.
package session
