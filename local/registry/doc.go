// Package registry holds container images in a folder and speaks the registry protocol that Docker engines speak. It is
// the part that AWS's ECR and Docker Hub have in common: who may do what is decided by who serves it, in the laptop
// cloud package gateway.
//
// On the laptop, both answer at the port of the AWS endpoint, under /v2/. Which one it is, the user's name tells:
//
//   - "AWS", with a token of GetAuthorizationToken, is ECR: docker push 127.0.0.1:PORT/REPOSITORY:TAG;
//   - "hub", with the id of the running laptop cloud, is the stand-in for Docker Hub, which makes repositories as they are
//     written to, such as library/caddy.
//
// On machines, registries have the names that they have elsewhere, over TLS: "<account>.dkr.ecr.<region>.amazonaws.com",
// and "registry-1.docker.io", which gives its images to everybody.
package registry
