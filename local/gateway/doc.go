// Package gateway is the laptop cloud's AWS endpoint: a reverse proxy in front of moto that adds what moto
// lacks and this stack needs, and mends what moto does differently from AWS in a way that a program could
// notice:
//
//   - State Manager's associations, which moto does not have; no host has an SSM agent, so none of them has run, and
//     commands are refused instead of being called a success;
//   - the public parameters with Ubuntu's image ids;
//   - bucket policies with conditions, which moto applies whether their conditions hold or not;
//   - what AWS checks in documents, parameters, lifecycle policies and the sizes of a role's policies, and moto
//     does not;
//   - what moto forgets of an instance: termination protection and recovery at launch, credits, user data,
//     client tokens;
//   - a proper AWS error for an action that moto does not know, instead of a page that makes clients try again;
//   - faults that tests ask for.
//
// Requests that are not mended go through unread, byte for byte. All calls but those to S3 reach moto one after the
// other: moto changes its tables while other requests go through them, which ends in an internal error now and then.
package gateway
