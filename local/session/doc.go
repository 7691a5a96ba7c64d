// Package session is Session Manager's side of a session in the laptop cloud: the service, which issues tokens and
// accepts WebSockets, and the SSM agent, which runs a shell or a command on a machine. Like the agent it runs them as
// ssm-user, who may do everything with sudo; on a machine without sudo, where that user could do nothing, it runs them
// as root. It differs from AWS in these ways: the output of a command without a terminal is sent while it runs, the
// interrupt key kills such a command, every session begins with a handshake, and an idle session ends only if no client
// is connected.
package session
