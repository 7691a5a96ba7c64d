// Package providertest tests the resource types of a provider over the wire, as Pulumi's engine uses them. Server
// serves a provider, Engine calls it, Lifecycle is the test that every type must pass, and CheckTypes and
// CheckFunctions compare the descriptions with the names in the provider's Pulumi SDK.
package providertest
