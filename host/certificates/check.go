package certificates

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"
)

// check reports problems in a certificate chain and its key, in PEM, for a domain. The error never shows any of the
// key.
func (p pair) check(domain string, now time.Time) error {
	key, err := checkKey(p.key)
	if err != nil {
		return err
	}
	chain, err := readChain(p.cert)
	if err != nil {
		return err
	}
	if err := checkOrder(chain, key); err != nil {
		return err
	}
	leaf := chain[0]
	switch {
	case now.Before(leaf.NotBefore):
		return fmt.Errorf("it is not valid before %s", leaf.NotBefore.UTC().Format(time.DateTime))
	case !leaf.NotAfter.After(now):
		return fmt.Errorf("it expired on %s; replace it, or delete it and its key", leaf.NotAfter.UTC().Format(time.DateOnly))
	case leaf.VerifyHostname(domain) != nil:
		return fmt.Errorf("it is for %s, not for %s", names(leaf), domain)
	}
	return nil
}

// names lists the host names of a certificate.
func names(c *x509.Certificate) string {
	if len(c.DNSNames) == 0 {
		return "no host name"
	}
	const shown = 5
	if more := len(c.DNSNames) - shown; more > 0 {
		return fmt.Sprintf("%s and %d more names", strings.Join(c.DNSNames[:shown], ", "), more)
	}
	return strings.Join(c.DNSNames, ", ")
}

// checkKey returns the PEM block with the private key.
func checkKey(text string) ([]byte, error) {
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		switch {
		case block.Type == "ENCRYPTED PRIVATE KEY", strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
			return nil, errors.New("its key is encrypted with a passphrase, which cannot be entered on a host: " +
				"decrypt it with openssl pkey -in encrypted.pem -out key.pem")
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			return pem.EncodeToMemory(block), nil
		}
	}
	if strings.Contains(text, "-----BEGIN CERTIFICATE-----") {
		return nil, errors.New("the parameter for the key contains a certificate; the two are swapped, or the key is missing")
	}
	return nil, errors.New("its key is not a PEM private key")
}

// readChain parses all certificates in a text.
func readChain(text string) ([]*x509.Certificate, error) {
	var chain []*x509.Certificate
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("parse certificate %d of its chain: %w", len(chain)+1, err)
		}
		chain = append(chain, c)
	}
	if len(chain) == 0 {
		return nil, errors.New("it is not a PEM certificate")
	}
	return chain, nil
}

// checkOrder checks that the first certificate belongs to the key, and that each one was issued by the next.
func checkOrder(chain []*x509.Certificate, key []byte) error {
	switch at := ownerOf(key, chain); {
	case at < 0:
		return errors.New("its key does not match it")
	case at > 0 && at == len(chain)-1:
		return errors.New("its chain is reversed: put the app's own certificate first, and after each certificate its issuer")
	case at > 0:
		return fmt.Errorf("its chain is in the wrong order: the app's own certificate is number %d of %d; put it first, and "+
			"after each certificate its issuer", at+1, len(chain))
	}
	for i, c := range chain[:len(chain)-1] {
		if bytes.Equal(c.RawIssuer, chain[i+1].RawSubject) {
			continue
		}
		for j, other := range chain {
			if j != i && bytes.Equal(c.RawIssuer, other.RawSubject) {
				return fmt.Errorf("its chain is in the wrong order: certificate %d was issued by number %d, which must come "+
					"right after it", i+1, j+1)
			}
		}
	}
	return nil
}

// ownerOf returns the index of the certificate that a key belongs to, -1 if it belongs to none.
func ownerOf(key []byte, chain []*x509.Certificate) int {
	for i, c := range chain {
		text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
		if _, err := tls.X509KeyPair(text, key); err == nil {
			return i
		}
	}
	return -1
}
