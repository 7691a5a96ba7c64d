// Package iamcheck decides whether IAM policies allow a request. It knows what a small set of policies needs: actions and
// resources with * and ?, principals, explicit denials, and the condition operators that operators.go lists. A policy
// with anything else cannot be parsed, so that what is not understood is never taken for a permission.
package iamcheck
