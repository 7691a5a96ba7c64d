package lab

import (
	"fmt"
	"net/http"
	"strings"
)

// Fail makes the next call of an AWS action fail, after skip successful calls.
func (c *Clone) Fail(action string, skip int) {
	c.tb.Helper()
	body := strings.NewReader(fmt.Sprintf(`{"action":%q,"skip":%d,"times":1}`, action, skip))
	request, err := http.NewRequestWithContext(c.tb.Context(), http.MethodPost, c.Env()["AWS_ENDPOINT_URL"]+"/_webstack/faults", body)
	if err != nil {
		c.tb.Fatal(err)
	}
	request.SetBasicAuth(c.Env()["AWS_ACCESS_KEY_ID"], c.Env()["AWS_SECRET_ACCESS_KEY"])
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		c.tb.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode >= 300 {
		c.tb.Fatalf("ask for %s to fail: %s", action, response.Status)
	}
}
