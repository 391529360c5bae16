// Command keys makes what servers on loopback need for TLS, for tests and
// trials:
//
//	keys FOLDER
//
// The new folder gets ca.pem, the authority that clients are told to trust;
// server.pem, its certificate for 127.0.0.1 and localhost; and server.key, the
// key of that. The authority's own key is never written: it signs this once.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
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

// life is how long the certificates hold.
const life = 5 * 365 * 24 * time.Hour

func main() {
	if err := run(os.Args[1:], time.Now()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string, now time.Time) error {
	if len(args) != 1 {
		return errors.New("usage: keys FOLDER")
	}
	authority := template(now, 1, "Cohort's services on loopback")
	authority.IsCA, authority.BasicConstraintsValid, authority.KeyUsage = true, true, x509.KeyUsageCertSign
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	ca, err := x509.CreateCertificate(rand.Reader, authority, authority, caKey.Public(), caKey)
	if err != nil {
		return fmt.Errorf("make the authority: %w", err)
	}

	server := template(now, 2, "localhost")
	server.DNSNames, server.IPAddresses = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	server.KeyUsage, server.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	serverKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	certificate, err := x509.CreateCertificate(rand.Reader, server, authority, serverKey.Public(), caKey)
	if err != nil {
		return fmt.Errorf("sign the certificate: %w", err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(serverKey)
	if err != nil {
		return err
	}

	if err := os.Mkdir(args[0], 0o700); err != nil {
		return err
	}
	return errors.Join(
		write(args[0], "ca.pem", "CERTIFICATE", ca),
		write(args[0], "server.pem", "CERTIFICATE", certificate),
		write(args[0], "server.key", "PRIVATE KEY", key),
	)
}

// template is what both certificates have. Clocks may differ by an hour.
func template(now time.Time, serial int64, name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(life),
	}
}

func write(folder, name, kind string, der []byte) error {
	return os.WriteFile(filepath.Join(folder, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
