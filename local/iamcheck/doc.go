// Package iamcheck decides whether IAM policies allow a request. It knows what a small set of policies needs: actions
// and resources with * and ?, principals, explicit denials, and the condition operators that operators.go lists.
// Parsing a policy with anything else fails, so that something unknown is never taken for a permission.
package iamcheck
