// Package gateway is the laptop cloud's AWS endpoint: a reverse proxy in front of moto that adds what moto lacks and this
// stack needs, and mends what moto does differently from AWS in a way that a program could notice:
//
//   - State Manager's associations, which moto does not have;
//   - the public parameters with Ubuntu's image ids;
//   - bucket policies with conditions, which moto applies whether their conditions hold or not;
//   - limits of Parameter Store and of documents, which moto does not check;
//   - a proper AWS error for an action that moto does not know, instead of a page that makes clients try again;
//   - faults that tests ask for.
package gateway
