// Package awsprovider describes the resource types and functions of the pulumi-aws provider that Webstack uses, as
// calls of aws-sdk-go-v2 on the laptop cloud's AWS endpoint. One file holds one type or one close family of types.
package awsprovider
