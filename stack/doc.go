// Package stack is the Pulumi program: it reads the config, creates the providers, connects the components and exports
// the outputs. It is the only package that knows all components.
//
// It reads the config of the run from PULUMI_CONFIG, where Pulumi puts it, unless a test provides it. It reports all
// problems in the config before it registers any resource.
package stack
