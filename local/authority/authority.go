// Package authority is a certificate authority for servers that stand in for others on this computer. Its key exists
// only in memory, so nobody can misuse it once the process has ended.
package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"sync"
	"time"
)

const (
	// life is how long certificates are good for; the authority is gone long before.
	life = 365 * 24 * time.Hour
	// skew is how far a clock may be slow.
	skew = time.Hour
)

// Authority signs certificates. It is safe for concurrent use.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey

	mu     sync.Mutex
	issued map[string]*tls.Certificate // by host name
}

// New makes an authority that is called name.
func New(name string) (*Authority, error) {
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	a := &Authority{issued: map[string]*tls.Certificate{}}
	made, key, err := a.sign(template)
	if err != nil {
		return nil, fmt.Errorf("make a certificate authority: %w", err)
	}
	a.certificate, a.key = made, key
	return a, nil
}

// sign completes a certificate and signs it: the authority's own while there is none.
func (a *Authority) sign(template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, nil, err
	}
	template.NotBefore, template.NotAfter = time.Now().Add(-skew), time.Now().Add(life)
	parent, signer := a.certificate, a.key
	if parent == nil {
		parent, signer = template, key
	}
	data, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return nil, nil, err
	}
	made, err := x509.ParseCertificate(data)
	return made, key, err
}

// PEM returns the authority's certificate, for those who should trust it.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
}

// Config returns the settings of a server that has a certificate for each host name for which serves returns true.
func (a *Authority) Config(serves func(name string) bool) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if !serves(hello.ServerName) {
				return nil, fmt.Errorf("there is no certificate for %q", hello.ServerName)
			}
			return a.certificateOf(hello.ServerName)
		},
	}
}

// Certificate returns a server's certificate for a host name or address, followed by the authority's, and its key, both
// in PEM.
func (a *Authority) Certificate(name string) (certificate, key []byte, err error) {
	made, err := a.certificateOf(name)
	if err != nil {
		return nil, nil, err
	}
	for _, raw := range made.Certificate {
		certificate = append(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})...)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(made.PrivateKey)
	if err != nil {
		return nil, nil, fmt.Errorf("write the key of %s: %w", name, err)
	}
	return certificate, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), nil
}

func (a *Authority) certificateOf(name string) (*tls.Certificate, error) {
	if name == "" {
		return nil, errors.New("a certificate needs a host name")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if known, ok := a.issued[name]; ok {
		return known, nil
	}
	template := &x509.Certificate{
		Subject:  pkix.Name{CommonName: name},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if address := net.ParseIP(name); address != nil {
		template.IPAddresses = []net.IP{address}
	} else {
		template.DNSNames = []string{name}
	}
	made, key, err := a.sign(template)
	if err != nil {
		return nil, fmt.Errorf("make a certificate for %s: %w", name, err)
	}
	a.issued[name] = &tls.Certificate{Certificate: [][]byte{made.Raw, a.certificate.Raw}, PrivateKey: key}
	return a.issued[name], nil
}
