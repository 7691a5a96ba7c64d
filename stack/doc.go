// Package stack is the Pulumi program: it reads the config, builds the providers, joins the components and exports
// the outputs. It is the only package that knows all components.
//
// It reads the config of the run from PULUMI_CONFIG, where Pulumi puts it for the program, unless a test hands it
// in. Every problem of the config is reported before any resource is registered.
package stack
