// Package gateway is the laptop cloud's AWS endpoint: a reverse proxy in front of moto that adds what this stack needs
// and moto lacks, and corrects moto where a program could notice a difference from AWS:
//
//   - instances are machines: what happens to an instance, its volumes, its role and its addresses happens to its
//     machine, in order, after the call has been answered; public addresses are loopback addresses of this computer;
//   - RDS instances with Postgres are databases (see package rds), at addresses that machines can reach;
//   - commands and State Manager's associations run on the machines; without machines they are rejected instead of
//     reported as successful;
//   - every request must be signed, by the account's owner or with temporary credentials;
//   - temporary credentials: of the roles of instances and of assumed roles, also with a web identity. Calls that are
//     signed with them are checked against the role's policies; a call whose permissions are not known is rejected;
//   - ECR's images and a stand-in for Docker Hub, from real registries (see package registry);
//   - the public parameters with the ids of Ubuntu's images;
//   - bucket policies with conditions, which moto ignores;
//   - checks that AWS, unlike moto, makes of documents, parameters and the sizes of a role's policies;
//   - what moto does not store about an instance: user data and client tokens;
//   - a proper AWS error for an action that moto does not support, instead of a page that makes clients retry;
//   - rejected calls while another resource is in the way, such as a subnet that still has an instance, an address that
//     is in use, or a database that should shrink: see preconditions;
//   - faults that tests request.
//
// All other requests are passed through unread, byte for byte. Calls to moto, except those to S3, are made one at a
// time: moto changes its tables while other requests read them, which occasionally causes an internal error.
package gateway
