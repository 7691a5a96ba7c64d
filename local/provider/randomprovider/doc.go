// Package randomprovider describes the resource types of the pulumi-random provider that Webstack uses. Nothing but the
// stack's state knows what was drawn.
package randomprovider
