package cloud

import (
	"os"
	"strings"
	"testing"

	"webstack/local/provider"
	"webstack/local/provider/awsprovider"
	"webstack/local/provider/cloudflareprovider"
	"webstack/local/provider/randomprovider"
)

// The engine warns when a provider's version is not that of the SDK in the program.
func TestProvidersHaveTheVersionsOfTheSDKs(t *testing.T) {
	t.Parallel()
	requirements, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for _, pkg := range []provider.Package{
		awsprovider.Package("", nil), cloudflareprovider.Package("", ""), randomprovider.Package(),
	} {
		if !strings.Contains(string(requirements), "/pulumi-"+pkg.Name+"/sdk/v"+pkg.Version[:1]+" v"+pkg.Version+"\n") {
			t.Errorf("go.mod requires another version of pulumi-%s than %s", pkg.Name, pkg.Version)
		}
	}
}
