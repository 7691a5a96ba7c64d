// Package registry holds container images in a folder and speaks the registry protocol that Docker engines speak. It is
// the common part of ECR and Docker Hub: its caller, in the laptop cloud package gateway, decides who may do what.
//
// On this computer both answer at the port of the AWS endpoint, under /v2/. The user name says which one is meant:
//
//   - "AWS", with a token of GetAuthorizationToken, is ECR: docker push 127.0.0.1:PORT/REPOSITORY:TAG;
//   - "hub", with the id of the running laptop cloud, is the stand-in for Docker Hub, which creates repositories as they
//     are written to, such as library/caddy.
//
// On machines, registries have their real names, over TLS: "<account>.dkr.ecr.<region>.amazonaws.com", and
// "registry-1.docker.io", which anybody can pull from.
package registry
