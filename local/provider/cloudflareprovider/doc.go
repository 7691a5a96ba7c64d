// Package cloudflareprovider describes the resource types and functions of the pulumi-cloudflare provider that Webstack
// uses. They call the Cloudflare API at a base URL.
package cloudflareprovider
