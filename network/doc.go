// Package network builds the VPC that a stack lives in: six subnets in two zones (two public, two private-app, two
// private-db), free gateway endpoints for S3 and DynamoDB on every route table, no NAT unless asked for, and a
// default security group that lets nothing through.
package network
