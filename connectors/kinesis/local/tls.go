package local

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
	"os"
	"path/filepath"
	"time"
)

const (
	certName = "kinesis-cert.pem" // in the data directory
	keyName  = "kinesis-key.pem"

	certLife  = 2 * 365 * 24 * time.Hour
	certSpare = 30 * 24 * time.Hour // a certificate is replaced this long before it ends
)

// loadCertificate gives the certificate of the TLS side: the files of Options, else the one in the data directory, which
// is made when it is missing, broken or about to end. file is where clients find it to trust it, empty in memory.
func loadCertificate(o Options) (cert tls.Certificate, file string, err error) {
	if o.CertFile != "" || o.KeyFile != "" {
		if cert, err = tls.LoadX509KeyPair(o.CertFile, o.KeyFile); err != nil {
			err = fmt.Errorf("kinesis server certificate %q with key %q: %w", o.CertFile, o.KeyFile, err)
		}
		return cert, o.CertFile, err
	}
	// The wall clock, not Options.Clock: it is the clients' clocks that the certificate must suit.
	now := time.Now()
	if o.Dir == "" {
		certPEM, keyPEM, err := makeCertificate(now)
		if err != nil {
			return cert, "", err
		}
		cert, err = tls.X509KeyPair(certPEM, keyPEM)
		return cert, "", err
	}
	file, keyFile := filepath.Join(o.Dir, certName), filepath.Join(o.Dir, keyName)
	cert, err = tls.LoadX509KeyPair(file, keyFile)
	if err == nil && now.Before(cert.Leaf.NotAfter.Add(-certSpare)) {
		return cert, file, nil
	}
	certPEM, keyPEM, err := makeCertificate(now)
	if err == nil {
		// The key first: a certificate never stands there without its key.
		err = errors.Join(writeWhole(keyFile, keyPEM, 0o600), writeWhole(file, certPEM, 0o644))
	}
	if err != nil {
		return cert, "", fmt.Errorf("make the kinesis server's certificate %q: %w", file, err)
	}
	cert, err = tls.X509KeyPair(certPEM, keyPEM)
	return cert, file, err
}

// writeWhole replaces a file in one step.
func writeWhole(name string, text []byte, mode os.FileMode) error {
	next := name + ".new"
	if err := os.WriteFile(next, text, mode); err != nil {
		return err
	}
	return os.Rename(next, name)
}

// makeCertificate signs itself for this machine's loopback names, so that one file is both what the server shows and
// what a client must trust.
func makeCertificate(now time.Time) (certPEM, keyPEM []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "localhost", Organization: []string{"weir local Kinesis"}},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(certLife),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
		DNSNames:              []string{"localhost", "*.localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	certPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return certPEM, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), nil
}
