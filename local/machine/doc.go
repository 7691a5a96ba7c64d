// Package machine runs the instances of the laptop cloud: containers that behave like virtual machines. Each has systemd
// as its first process, a Docker engine of its own once the stack installs one, volumes that outlive it, an instance
// metadata service, and an address of its own out of 127.0.0.0/8 that stands for its public one.
//
// The rest of the laptop cloud uses the interface Machines in api.go. Open returns the implementation:
//
//	if err := machine.Probe(ctx); err != nil { … } // no hosts here: err says why in one line
//	engine, err := machine.Open(ctx, machine.Options{Root: clone, ID: id, Gateway: …, Registry: …, Credentials: …})
//	defer engine.Close(ctx) // removes all machines and volumes of this laptop cloud
//
// Prepare makes what Open would otherwise have to make first: the image of machines and the program below.
//
// The program in the folder agent runs on each machine, as a system service. It and the laptop cloud reach each other
// through a tunnel (package wire) over the input and output of "docker exec", so that neither needs access to the
// other's network or disk. Commands and terminals go one way; requests to the metadata service, to the AWS endpoint and
// to registries go the other. On a machine these answer at the addresses they have on AWS, from a network namespace
// that is one hop away, so that the hop limit of the metadata service works as on AWS.
package machine
