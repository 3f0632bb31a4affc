package transport

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestIdentitySurvivesOnDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	made, err := CreateIdentity(dir, "North Ltd")
	if err != nil {
		t.Fatal(err)
	}
	read, err := LoadIdentity(dir)
	if err != nil {
		t.Fatal(err)
	}
	if read.NodeID() != made.NodeID() || read.Name() != "North Ltd" || !read.LedgerKey().Equal(made.LedgerKey()) || read.Fingerprint() != made.Fingerprint() {
		t.Error("another identity came back")
	}
	if _, err := CreateIdentity(dir, "North Ltd"); !errors.Is(err, os.ErrExist) {
		t.Errorf("an identity was overwritten: %v", err)
	}
	if again, err := LoadIdentity(dir); err != nil || again.NodeID() != made.NodeID() {
		t.Errorf("the refused overwriting did harm: %v", err)
	}
}

func TestLooseModesAreRefused(t *testing.T) {
	for _, c := range []struct {
		file string
		mode os.FileMode
	}{{"", 0o750}, {nodeKeyFile, 0o640}, {ledgerKeyFile, 0o604}, {certificateFile, 0o620}} {
		dir := filepath.Join(t.TempDir(), "keys")
		if _, err := CreateIdentity(dir, "north"); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, c.file)
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		_, err := LoadIdentity(dir)
		if !errors.Is(err, ErrLooseMode) || !strings.Contains(err.Error(), "run: chmod") || !strings.Contains(err.Error(), path) {
			t.Errorf("%s with mode %o: %v", c.file, c.mode, err)
		}
	}
}

func TestDamagedIdentityIsRefusedWithoutQuotingIt(t *testing.T) {
	other, err := NewIdentity("other")
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(other.key)
	if err != nil {
		t.Fatal(err)
	}
	key := func(b []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: b}) }
	for name, c := range map[string]struct {
		file string
		with []byte
	}{
		"another key":    {nodeKeyFile, key(der)},
		"no PEM":         {nodeKeyFile, []byte("SECRETSECRET")},
		"no PKCS#8":      {ledgerKeyFile, key([]byte("SECRETSECRET"))},
		"two blocks":     {nodeKeyFile, append(key(der), key(der)...)},
		"too large":      {nodeKeyFile, make([]byte, maxPEM+1)},
		"no certificate": {certificateFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})},
	} {
		dir := filepath.Join(t.TempDir(), "keys")
		if _, err := CreateIdentity(dir, "north"); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, c.file), c.with, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadIdentity(dir); err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// companyIdentity is one whose node certificate the company's own PKI issued, over an ECDSA key.
func companyIdentity(t *testing.T, name string) *Identity {
	t.Helper()
	root, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA"}, NotBefore: now, NotAfter: now.Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	node := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, node, ca, key.Public(), root)
	if err != nil {
		t.Fatal(err)
	}
	made, err := NewIdentity(name)
	if err != nil {
		t.Fatal(err)
	}
	if made.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	made.key = key
	return made
}

// A certificate of the company's own PKI is loaded from the same files, and pairs like any other.
func TestCompanyCertificatePairs(t *testing.T) {
	a, b := newNode(t, "north"), newNode(t, "south")
	id := companyIdentity(t, "south")
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for file, k := range map[string]any{nodeKeyFile: id.key, ledgerKeyFile: id.ledger} {
		der, err := x509.MarshalPKCS8PrivateKey(k)
		if err != nil {
			t.Fatal(err)
		}
		if err := writeNew(filepath.Join(dir, file), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})); err != nil {
			t.Fatal(err)
		}
	}
	if err := writeNew(filepath.Join(dir, certificateFile), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: id.cert.Raw})); err != nil {
		t.Fatal(err)
	}
	loaded, err := LoadIdentity(dir)
	if err != nil {
		t.Fatal(err)
	}
	b.id, b.pairing = loaded, NewPairing(loaded, b.store)
	a.listen().run()
	b.listen().run()
	befriend(a, b)
	if s := a.next(); s.PeerID() != loaded.NodeID() {
		t.Errorf("a session with %s", s.PeerID())
	}
	b.next()
}
