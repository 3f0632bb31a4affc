package transport

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// The files of an identity.
const (
	certificateFile = "node.crt"
	nodeKeyFile     = "node.key"
	ledgerKeyFile   = "ledger.key"
)

const maxPEM = 64 << 10 // bytes of one identity file

// ErrLooseMode is wrapped where a key could be read by somebody else; the error's text holds the chmod to run.
var ErrLooseMode = errors.New("others may read this node's keys")

// Identity is who a node is: the node certificate and key that partners pin, the TLS leaf under it, and the ledger key.
// It is safe for concurrent use.
type Identity struct {
	name     string
	cert     *x509.Certificate
	key      crypto.Signer
	ledger   ed25519.PrivateKey
	leafLife time.Duration

	mu   sync.Mutex
	leaf *tls.Certificate // guarded by mu
}

// NewIdentity makes an identity in memory. Inside a testing/synctest bubble make it inside the bubble: its validity follows the clock.
func NewIdentity(name string) (*Identity, error) {
	if err := checkNodeName(name); err != nil {
		return nil, err
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the node key: %w", err)
	}
	_, ledger, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the ledger key: %w", err)
	}
	cert, err := newNodeCertificate(name, key, time.Now(), nodeLife)
	if err != nil {
		return nil, err
	}
	return &Identity{name: name, cert: cert, key: key, ledger: ledger, leafLife: leafLife}, nil
}

// CreateIdentity makes a new identity and writes it to dir, which it creates with mode 0700 where it is missing.
// It never overwrites. When it returns nil the files are on disk.
func CreateIdentity(dir, name string) (*Identity, error) {
	id, err := NewIdentity(name)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making %s: %w", dir, err)
	}
	if err := checkMode(dir, 0o077, "700"); err != nil {
		return nil, err
	}
	for _, f := range []struct {
		name string
		key  crypto.PrivateKey
	}{{nodeKeyFile, id.key}, {ledgerKeyFile, id.ledger}, {certificateFile, nil}} {
		block := &pem.Block{Type: "CERTIFICATE", Bytes: id.cert.Raw}
		if f.key != nil {
			der, err := x509.MarshalPKCS8PrivateKey(f.key)
			if err != nil {
				return nil, fmt.Errorf("encoding %s: %w", f.name, err)
			}
			block = &pem.Block{Type: "PRIVATE KEY", Bytes: der}
		}
		if err := writeNew(filepath.Join(dir, f.name), pem.EncodeToMemory(block)); err != nil {
			return nil, err
		}
	}
	return id, syncDir(dir)
}

// LoadIdentity reads what CreateIdentity wrote, or a certificate and key of the company's own PKI under the same file names.
// Looser modes than 0700 for dir and 0600 for the keys are refused with ErrLooseMode.
func LoadIdentity(dir string) (*Identity, error) {
	if err := checkMode(dir, 0o077, "700"); err != nil {
		return nil, err
	}
	der, err := readPEM(filepath.Join(dir, certificateFile), "CERTIFICATE", 0o022)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", certificateFile, err)
	}
	if err := checkNodeKey(cert); err != nil {
		return nil, fmt.Errorf("reading %s: %w", certificateFile, err)
	}
	key, err := readKey[crypto.Signer](filepath.Join(dir, nodeKeyFile))
	if err != nil {
		return nil, err
	}
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(cert.PublicKey) {
		return nil, fmt.Errorf("reading %s: it is not the key of %s", nodeKeyFile, certificateFile)
	}
	ledger, err := readKey[ed25519.PrivateKey](filepath.Join(dir, ledgerKeyFile))
	if err != nil {
		return nil, err
	}
	if err := checkNodeName(cert.Subject.CommonName); err != nil {
		return nil, fmt.Errorf("reading %s: its common name: %w", certificateFile, err)
	}
	return &Identity{name: cert.Subject.CommonName, cert: cert, key: key, ledger: ledger, leafLife: leafLife}, nil
}

// NodeID returns the node's id.
func (id *Identity) NodeID() NodeID { return pinOf(id.cert).NodeID() }

// Fingerprint returns the same hash in hexadecimal, as other tools show it.
func (id *Identity) Fingerprint() string { return pinOf(id.cert).Fingerprint() }

// Name is the node's name for itself, 1 to 64 bytes.
func (id *Identity) Name() string { return id.name }

// LedgerKey signs checkpoints and receipts, and nothing in a handshake.
func (id *Identity) LedgerKey() ed25519.PrivateKey { return id.ledger }

// NotAfter is when the node certificate ends: a partner must have pinned a new one by then.
func (id *Identity) NotAfter() time.Time { return id.cert.NotAfter }

// currentLeaf returns the leaf for a handshake now, issuing a new one where it is due.
func (id *Identity) currentLeaf() (*tls.Certificate, error) {
	now := time.Now()
	id.mu.Lock()
	leaf := id.leaf
	id.mu.Unlock()
	if leaf != nil && now.Before(leaf.Leaf.NotAfter.Add(-id.leafLife/leafRenewal)) {
		return leaf, nil
	}
	if now.After(id.cert.NotAfter) {
		return nil, fmt.Errorf("%w: this node's own certificate ended on %s", ErrCertificate, id.cert.NotAfter.UTC().Format(time.DateOnly))
	}
	fresh, err := id.issueLeaf(now)
	if err != nil {
		return nil, err
	}
	id.mu.Lock()
	defer id.mu.Unlock()
	if id.leaf == leaf || fresh.Leaf.NotAfter.After(id.leaf.Leaf.NotAfter) {
		id.leaf = fresh
	}
	return id.leaf, nil
}

// sign signs message with the node key, under a domain so that no signature can serve as another.
func (id *Identity) sign(domain string, message []byte) ([]byte, error) {
	signed := append([]byte(domain), message...)
	if _, ok := id.key.(*ecdsa.PrivateKey); ok {
		sum := sha256.Sum256(signed)
		return id.key.Sign(rand.Reader, sum[:], crypto.SHA256)
	}
	return id.key.Sign(rand.Reader, signed, crypto.Hash(0))
}

// verify checks what sign made, under a node certificate.
func verify(cert *x509.Certificate, domain string, message, signature []byte) error {
	algorithm := x509.PureEd25519
	if _, ok := cert.PublicKey.(*ecdsa.PublicKey); ok {
		algorithm = x509.ECDSAWithSHA256
	}
	return cert.CheckSignature(algorithm, append([]byte(domain), message...), signature)
}

// checkNodeName bounds what is shown on a partner's screen.
func checkNodeName(name string) error {
	if len(name) == 0 || len(name) > maxName || !printable(name) {
		return fmt.Errorf("a node's name has 1 to %d bytes of printable text", maxName)
	}
	return nil
}

func checkMode(path string, forbidden os.FileMode, want string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("looking at %s: %w", path, err)
	}
	if loose := info.Mode().Perm() & forbidden; loose != 0 {
		return fmt.Errorf("%w: %s has mode %04o; run: chmod %s '%s'", ErrLooseMode, path, info.Mode().Perm(), want, path)
	}
	return nil
}

func readKey[K crypto.PrivateKey](path string) (K, error) {
	var none K
	der, err := readPEM(path, "PRIVATE KEY", 0o077)
	if err != nil {
		return none, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		// The parser's own words may quote what it read; a key file is never quoted.
		return none, fmt.Errorf("reading %s: it holds no PKCS#8 private key", path)
	}
	key, ok := parsed.(K)
	if !ok {
		return none, fmt.Errorf("reading %s: a %T is not a key that belongs here", path, parsed)
	}
	return key, nil
}

// readPEM reads a file's single PEM block.
func readPEM(path, kind string, forbidden os.FileMode) ([]byte, error) {
	if err := checkMode(path, forbidden, "600"); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxPEM+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if len(b) > maxPEM {
		return nil, fmt.Errorf("reading %s: it is larger than %d bytes", path, maxPEM)
	}
	block, rest := pem.Decode(b)
	if block == nil || block.Type != kind || len(bytes.TrimSpace(rest)) > 0 {
		return nil, fmt.Errorf("reading %s: it must hold one PEM block %q and nothing else", path, kind)
	}
	return block.Bytes, nil
}

// writeNew writes a file that must not exist yet, and returns once it is on disk.
func writeNew(path string, b []byte) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("making %s (an identity is never overwritten): %w", path, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(b); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return f.Sync()
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("opening %s: %w", dir, err)
	}
	return errors.Join(d.Sync(), d.Close())
}
