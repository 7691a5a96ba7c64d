// Package gateway is the laptop cloud's AWS endpoint: a reverse proxy in front of moto that adds what this stack needs
// and moto lacks, and corrects moto where a program could notice a difference from AWS:
//
//   - instances that are machines: what happens to an instance, its volumes, its role and its addresses happens to a
//     machine, in order, after the call has been answered; public addresses are loopback addresses of this computer;
//   - instances of RDS with Postgres that are databases (see package rds), at addresses which machines reach;
//   - commands and State Manager's associations, which run on the machines; without machines they are refused instead of
//     being called a success;
//   - keys: every request is signed, by the account's owner or with temporary credentials, or it is refused;
//   - temporary credentials: of the roles of instances and of roles that are assumed, also with a web identity. What is
//     signed with them is checked against the role's policies; a call of which it is not known which permission it needs
//     is refused;
//   - ECR's images and a stand-in for Docker Hub, from real registries (see package registry);
//   - the public parameters with Ubuntu's image ids;
//   - bucket policies with conditions, which moto applies whether their conditions hold or not;
//   - what AWS checks in documents, parameters, lifecycle policies and the sizes of a role's policies, and moto
//     does not;
//   - what moto forgets of an instance: termination protection and recovery at launch, credits, user data,
//     client tokens;
//   - a proper AWS error for an action that moto does not know, instead of a page that makes clients try again;
//   - what AWS refuses while something else is in the way, such as a subnet that still has an instance, an address that
//     serves something else, or a database that is to shrink: see preconditions;
//   - faults that tests ask for.
//
// All other requests are passed through unread, byte for byte. Calls to moto, except those to S3, are made one at a
// time: moto changes its tables while other requests read them, which occasionally causes an internal error.
package gateway
