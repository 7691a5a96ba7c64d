// Package network builds the VPC of a stack: six subnets in two zones (two public, two private-app, two private-db),
// free gateway endpoints for S3 and DynamoDB in every route table, no NAT by default, and a default security group that
// allows nothing.
package network
