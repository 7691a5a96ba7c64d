// Package providertest puts the resource types of a provider to the test over the wire, as Pulumi's engine uses them.
// Server serves a provider, Engine speaks to it, Lifecycle is what every type must go through, and CheckTypes and
// CheckFunctions hold the descriptions to the names of the provider's Pulumi SDK.
package providertest
