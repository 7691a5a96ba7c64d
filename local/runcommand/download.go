package runcommand

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"webstack/local/machine"
)

// s3Host is where S3 answers: the bucket is in front of it, or first in the path.
var s3Host = regexp.MustCompile(`^(?:(.+)\.)?s3[.-](?:[a-z0-9-]+\.)?amazonaws\.com$`)

// download downloads one S3 object to the machine.
func (r Run) download(ctx context.Context, machines machine.Machines, inputs map[string]any, result *Result) error {
	var source struct{ Path string }
	info := textOf(inputs["sourceInfo"])
	switch kind := textOf(inputs["sourceType"]); {
	case slices.Contains([]string{"Git", "GitHub", "HTTP", "SSMDocument"}, kind):
		return fmt.Errorf("download from %q: the laptop cloud supports only the sourceType S3", kind)
	case kind != "S3":
		return errors.New("invalid input: Unsupported source type")
	}
	if err := json.Unmarshal([]byte(info), &source); err != nil {
		return fmt.Errorf(`read sourceInfo, which must be {"path": "https://s3.<region>.amazonaws.com/<bucket>/<key>"}: %w`,
			err)
	}
	if source.Path == "" {
		return errors.New("S3 source path in SourceInfo must be specified")
	}
	bucket, key, err := object(source.Path)
	if err != nil {
		return err
	}
	content, err := r.Fetch(ctx, bucket, key)
	if err != nil {
		return fmt.Errorf("download %s: %w", source.Path, err)
	}
	target := textOf(inputs["destinationPath"])
	if target == "" || !path.IsAbs(target) {
		return fmt.Errorf("download to %q: the laptop cloud needs an absolute destinationPath", target)
	}
	if !strings.HasSuffix(target, "/") {
		isFolder, err := machines.Run(ctx, r.InstanceID, machine.Command{Args: []string{"test", "-d", target}})
		if err != nil {
			return err
		}
		if isFolder.Code == 0 {
			target += "/"
		}
	}
	if strings.HasSuffix(target, "/") {
		target += path.Base(key)
	}
	var stderr bytes.Buffer
	exit, err := machines.Run(ctx, r.InstanceID, machine.Command{
		Args: []string{"test", "-f", target}, Files: map[string][]byte{target: content}, Stderr: &stderr,
	})
	if err == nil && exit.Code != 0 {
		err = errors.New(strings.TrimSpace("the file does not exist after the download\n" + stderr.String()))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", target, err)
	}
	result.Status, result.Code, result.Stdout = Success, 0, "Content downloaded to "+target
	return nil
}

// object returns a parsed address of an object.
func object(address string) (bucket, key string, err error) {
	// The agent reads a plus as a space.
	parsed, err := url.Parse(strings.ReplaceAll(address, "+", "%20"))
	if err == nil {
		host := s3Host.FindStringSubmatch(parsed.Host)
		key = strings.TrimPrefix(parsed.Path, "/")
		if host != nil {
			bucket = host[1]
		}
		if host != nil && bucket == "" {
			bucket, key, _ = strings.Cut(key, "/")
		}
	}
	if err != nil || bucket == "" || key == "" || strings.HasSuffix(key, "/") {
		return "", "", fmt.Errorf("download %q: the laptop cloud needs the address of one object, "+
			"https://s3.<region>.amazonaws.com/<bucket>/<key>", address)
	}
	return bucket, key, nil
}
