package metadata

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Headers of the service.
const (
	TokenHeader = "X-aws-ec2-metadata-token"
	TTLHeader   = "X-aws-ec2-metadata-token-ttl-seconds"
)

const (
	root      = "/latest/"
	tokenPath = root + "api/token"
	maxTTL    = 6 * time.Hour
	// maxTokens limits how many tokens are kept; the oldest are dropped first.
	maxTokens = 10000
)

// Instance is what the service says of an instance.
type Instance struct {
	InstanceID, AccountID, Region, AvailabilityZone, InstanceType, ImageID string
	// Architecture is "arm64" or "x86_64".
	Architecture string
	PrivateIP    string
	// PublicIP is "" without one; its path is then not found.
	PublicIP string
	// UserData is nil if there is none.
	UserData []byte
	// Launched is when the instance was launched.
	Launched time.Time
	// RoleName is "" without an instance profile. The profile is taken to have the role's name.
	RoleName string

	Enabled       bool
	TokenRequired bool
	HopLimit      int
}

// Credentials are those of the instance's role.
type Credentials struct {
	AccessKeyID, SecretAccessKey, Token string
	Updated, Expiration                 time.Time
}

// Source returns what the service currently says.
type Source interface {
	Instance() Instance
	Credentials(ctx context.Context) (Credentials, error)
}

// Handler is the service of one instance.
type Handler struct {
	source Source
	// hopLimit is the header that tells the sender of an answer how many hops it may live.
	hopLimit string
	now      func() time.Time

	mu     sync.Mutex
	tokens []token
}

type token struct {
	value   string
	expires time.Time
}

// New serves what source says. An answer with a token has the header hopLimit with the number of hops that it may live;
// the one who forwards the answer removes it.
func New(source Source, hopLimit string) *Handler {
	return &Handler{source: source, hopLimit: hopLimit, now: time.Now}
}

// ServeHTTP answers a request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	instance := h.source.Instance()
	w.Header().Set("Server", "EC2ws")
	switch {
	case !instance.Enabled:
		fail(w, http.StatusForbidden)
	case r.Header.Get("X-Forwarded-For") != "" && r.Method == http.MethodPut:
		// A proxy is not part of the instance.
		fail(w, http.StatusForbidden)
	case r.URL.Path == tokenPath:
		h.giveToken(w, r, instance)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		fail(w, http.StatusMethodNotAllowed)
	case !h.allowed(r, instance):
		fail(w, http.StatusUnauthorized)
	default:
		h.answer(w, r, instance)
	}
}

func (h *Handler) giveToken(w http.ResponseWriter, r *http.Request, instance Instance) {
	if r.Method != http.MethodPut {
		fail(w, http.StatusMethodNotAllowed)
		return
	}
	seconds, err := strconv.Atoi(r.Header.Get(TTLHeader))
	ttl := time.Duration(seconds) * time.Second
	if err != nil || ttl < time.Second || ttl > maxTTL {
		fail(w, http.StatusBadRequest)
		return
	}
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails
	issued := token{hex.EncodeToString(random[:]), h.now().Add(ttl)}
	h.mu.Lock()
	h.tokens = append(h.tokens, issued)
	h.tokens = h.tokens[max(0, len(h.tokens)-maxTokens):]
	h.mu.Unlock()
	w.Header().Set(TTLHeader, strconv.Itoa(seconds))
	w.Header().Set(h.hopLimit, strconv.Itoa(min(max(instance.HopLimit, 1), 64)))
	w.Header().Set("Content-Type", "text/plain")
	_, _ = w.Write([]byte(issued.value))
}

// allowed reports whether a request has a valid token. Without a token it depends on the options.
func (h *Handler) allowed(r *http.Request, instance Instance) bool {
	given := r.Header.Get(TokenHeader)
	if given == "" {
		return !instance.TokenRequired
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	h.tokens = slices.DeleteFunc(h.tokens, func(t token) bool { return !now.Before(t.expires) })
	return slices.ContainsFunc(h.tokens, func(t token) bool {
		return subtle.ConstantTimeCompare([]byte(t.value), []byte(given)) == 1
	})
}

func (h *Handler) answer(w http.ResponseWriter, r *http.Request, instance Instance) {
	path, ok := strings.CutPrefix(r.URL.Path, root)
	if !ok {
		// Dated versions of the service are the same as the latest.
		version, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		if _, err := time.Parse(time.DateOnly, version); err != nil {
			fail(w, http.StatusNotFound)
			return
		}
		path = rest
	}
	name := strings.TrimSuffix(path, "/")
	entries := entriesOf(instance)
	if instance.RoleName != "" && name == credentialsPath+instance.RoleName {
		credentials, err := h.source.Credentials(r.Context())
		if err != nil {
			// AWS answers the same while it cannot get any.
			w.WriteHeader(http.StatusOK)
			_, _ = w.Write(toJSON(map[string]string{"Code": "AssumeRoleUnauthorizedAccess", "Message": err.Error(),
				"LastUpdated": stamp(h.now())}))
			return
		}
		entries[name] = credentialsJSON(credentials)
	}
	if content, ok := entries[name]; ok {
		w.Header().Set("Content-Type", contentType(name))
		_, _ = w.Write(content)
		return
	}
	listing := list(entries, path)
	if listing == "" {
		fail(w, http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	_, _ = w.Write([]byte(listing))
}

func contentType(path string) string {
	if path == userDataPath {
		return "application/octet-stream"
	}
	return "text/plain"
}

func fail(w http.ResponseWriter, code int) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(code)
	_, _ = fmt.Fprintf(w, "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\n<html><head><title>%d - %[2]s</title></head>"+
		"<body><h1>%[1]d - %[2]s</h1></body></html>\n", code, http.StatusText(code))
}
