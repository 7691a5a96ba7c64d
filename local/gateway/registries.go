package gateway

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"webstack/local/iamcheck"
	"webstack/local/registry"
)

const (
	// registryPath is where the registries answer, next to the AWS APIs.
	registryPath = "/v2/"
	// HubUser is the name by which the laptop cloud's own programs write to the stand-in for Docker Hub; the password is
	// Options.HubKey.
	HubUser = "hub"
	// HubName is the host name by which Docker engines reach Docker Hub.
	HubName = "registry-1.docker.io"
)

// ecrName matches the host name of a registry of AWS, with its region.
var ecrName = regexp.MustCompile(`^\d{12}\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com$`)

// Registry reports whether Registries answers for a host name.
func Registry(name string) bool { return name == HubName || ecrName.MatchString(name) }

// Registries answers machines' requests to registries, by the host names that these have on the internet.
func (g *Gateway) Registries() http.Handler {
	return g.logged(func(w http.ResponseWriter, r *http.Request) call {
		host, _, _ := strings.Cut(r.Host, ":")
		switch {
		case g.images == nil || !Registry(host):
			http.NotFound(w, r)
		case host == HubName:
			g.serveHub(w, r)
		default:
			g.serveECR(w, r)
		}
		return registryCall(r)
	})
}

// serveRegistry answers a request to /v2/ on this computer, where the user name says which registry is meant.
func (g *Gateway) serveRegistry(w http.ResponseWriter, r *http.Request) call {
	user, _, _ := r.BasicAuth()
	switch {
	case g.images == nil:
		http.NotFound(w, r)
	case user == HubUser:
		g.serveHub(w, r)
	default:
		g.serveECR(w, r)
	}
	return registryCall(r)
}

// registryCall names a request in the log.
func registryCall(r *http.Request) call {
	return call{service: "registry", action: r.Method + r.URL.Path}
}

// serveHub answers as Docker Hub: everybody may read, and those with the key may write.
func (g *Gateway) serveHub(w http.ResponseWriter, r *http.Request) {
	operation := registry.Parse(r)
	_, key, given := r.BasicAuth()
	good := g.hubKey != "" && subtle.ConstantTimeCompare([]byte(key), []byte(g.hubKey)) == 1
	switch {
	case operation.Kind == registry.Unsupported:
		registry.Fail(w, http.StatusMethodNotAllowed, "UNSUPPORTED", "The operation is unsupported.")
	case given && !good || !operation.Reads() && !good:
		unauthorized(w, r, "the key is not this registry's")
	default:
		g.hub.Serve(w, r, operation, false)
	}
}

// unauthorized asks for a login.
func unauthorized(w http.ResponseWriter, r *http.Request, message string) {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="`+scheme+"://"+r.Host+`/",service="ecr.amazonaws.com"`)
	registry.Fail(w, http.StatusUnauthorized, "UNAUTHORIZED", "%s", message)
}

// operationActions are the permissions that a login needs, by kind of request. Asking for a layer is part of pulling
// and of pushing, so either permission is sufficient.
var operationActions = map[registry.Kind]demand{
	registry.GetManifest: {action: "ecr:BatchGetImage"},
	registry.PutManifest: {action: "ecr:PutImage"},
	registry.GetBlob:     {action: "ecr:GetDownloadUrlForLayer"},
	registry.StatBlob:    {action: "ecr:BatchCheckLayerAvailability", or: "ecr:GetDownloadUrlForLayer"},
	registry.StartUpload: {action: "ecr:InitiateLayerUpload"},
	registry.UploadPart:  {action: "ecr:UploadLayerPart"},
	registry.EndUpload:   {action: "ecr:CompleteLayerUpload"},
	registry.ListTags:    {action: "ecr:ListImages"},
}

// serveECR answers as ECR.
func (g *Gateway) serveECR(w http.ResponseWriter, r *http.Request) {
	user, token, _ := r.BasicAuth()
	l, good := g.loginOf(user, token)
	if !good {
		unauthorized(w, r, "Not Authorized: log in with the password of aws ecr get-login-password, which is good for 12 hours")
		return
	}
	operation := registry.Parse(r)
	switch operation.Kind {
	case registry.Unsupported:
		registry.Fail(w, http.StatusMethodNotAllowed, "UNSUPPORTED", "The operation is unsupported.")
		return
	case registry.Ping:
		g.images.Serve(w, r, operation, false)
		return
	}
	own := internal(r.Context(), l.region)
	found, err := g.repository(own, operation.Repository)
	if errors.Is(err, errNoRepository) {
		registry.Fail(w, http.StatusNotFound, "NAME_UNKNOWN",
			"The repository with name '%s' does not exist in the registry: create it first", operation.Repository)
		return
	}
	if err == nil && l.session != nil {
		wanted := operationActions[operation.Kind]
		var tagged demand
		tagged, err = g.repositoryDemand(own, call{region: l.region}, l.session, wanted.action, operation.Repository)
		tagged.or = wanted.or
		if err == nil {
			err = g.check(r.Context(), l.region, l.session, tagged)
		}
	}
	var denied *denial
	switch {
	case errors.As(err, &denied):
		registry.Fail(w, http.StatusForbidden, "DENIED", "%s", denied.message)
	case err != nil:
		registry.Fail(w, http.StatusServiceUnavailable, "UNKNOWN", "%v", err)
	default:
		g.images.Serve(w, r, operation, found.immutable(operation.Reference))
	}
}

// repository is one of ECR's.
type repository struct {
	Name       string `json:"repositoryName"`
	RegistryID string `json:"registryId"`
	Mutability string `json:"imageTagMutability"`
	Exclusions []struct {
		Filter string `json:"filter"`
	} `json:"imageTagMutabilityExclusionFilters"`
}

// errNoRepository says that ECR has no repository of a name.
var errNoRepository = errors.New("the repository does not exist")

func (g *Gateway) repository(r *http.Request, name string) (repository, error) {
	var out struct {
		Repositories []repository `json:"repositories"`
	}
	answer, err := g.askECR(r, "DescribeRepositories", map[string]any{"repositoryNames": []string{name}}, &out)
	if err == nil && (!answer.ok() || len(out.Repositories) == 0) {
		err = errNoRepository
	}
	if err != nil {
		return repository{}, err
	}
	return out.Repositories[0], nil
}

// immutable reports whether tags cannot move to another image.
func (p repository) immutable(tag string) bool {
	excluded := false
	for _, e := range p.Exclusions {
		excluded = excluded || iamcheck.Match(e.Filter, tag)
	}
	return strings.HasPrefix(p.Mutability, "IMMUTABLE") != excluded
}
