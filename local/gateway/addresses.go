package gateway

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"net/http"
	"regexp"
)

// publicAddress matches addresses, also within names such as ec2-54-214-1-2, in the range of moto's public addresses
// and in the range of loopback addresses that stands for it.
var publicAddress = regexp.MustCompile(`\b(54([.-])214|127([.-])77)([.-]\d)`)

// swapAddresses replaces 54.214.x.y with 127.77.x.y and vice versa, so that this computer answers on every public
// address, and no two of them become one. It serves for answers and for requests.
func swapAddresses(text []byte) []byte {
	return publicAddress.ReplaceAllFunc(text, func(found []byte) []byte {
		parts := publicAddress.FindSubmatch(found)
		if len(parts[2]) > 0 {
			return fmt.Appendf(nil, "127%s77%s", parts[2], parts[4])
		}
		return fmt.Appendf(nil, "54%s214%s", parts[3], parts[4])
	})
}

// lastOctet is one that moto never gives to an instance, so that elastic addresses differ from those of instances.
const lastOctet = 255

// allocateAddress chooses the elastic address: moto would take one of any loopback network.
func (g *Gateway) allocateAddress(w http.ResponseWriter, r *http.Request, c call) {
	if c.form.Get("Address") == "" {
		address, err := g.state.freeElastic()
		if err != nil {
			c.fail(w, http.StatusBadRequest, "AddressLimitExceeded", "%v", err)
			return
		}
		c.form.Set("Address", address)
	}
	answer, err := g.askEC2(r, c.action, c.form)
	if err != nil {
		c.unavailable(w, err)
		return
	}
	answer.write(w)
}

// freeElastic chooses an elastic address that was not allocated before.
func (s *state) freeElastic() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.elastic) > lastOctet/2 {
		return "", fmt.Errorf("the laptop cloud has no more elastic addresses: it has allocated %d", len(s.elastic))
	}
	for {
		drawn, err := rand.Int(rand.Reader, big.NewInt(lastOctet))
		if err != nil {
			return "", fmt.Errorf("choose an address: %w", err)
		}
		address := fmt.Sprintf("127.77.%d.%d", drawn.Int64(), lastOctet)
		if !s.elastic[address] {
			s.elastic[address] = true
			return address, nil
		}
	}
}
