package operate

import (
	"github.com/aws/aws-sdk-go-v2/credentials"

	"webstack/internal/laptop"
)

// OnLaptop returns the options that open the laptop cloud's stack for the clone at dir.
func OnLaptop(dir string, e laptop.Endpoints) Options {
	return Options{
		Dir: dir, Stack: laptop.Stack, Endpoint: e.AWS,
		Credentials: credentials.NewStaticCredentialsProvider(e.AccessKeyID, e.SecretAccessKey, ""),
	}
}
