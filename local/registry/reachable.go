package registry

import (
	"context"
	"net/http"
	"time"
)

// reachPatience is how long a registry may take to answer.
const reachPatience = 5 * time.Second

// Reachable reports whether a registry answers at a host name over TLS, even if it requires a login.
func Reachable(ctx context.Context, host string) bool {
	ctx, cancel := context.WithTimeout(ctx, reachPatience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+host+"/v2/", nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK || response.StatusCode == http.StatusUnauthorized
}
