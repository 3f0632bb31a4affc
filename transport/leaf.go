package transport

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// The pinned node key signs a leaf of 90 days, and only the leaf takes part in handshakes; so a routine
// renewal is nobody's business but the node's. Leaves live in memory: a restart makes a new one.

const (
	nodeLife    = 20 * 365 * 24 * time.Hour // of a node certificate that parley makes
	leafLife    = 90 * 24 * time.Hour
	leafRenewal = 3              // a leaf is replaced when less than this part of its life is left: 30 days
	backdate    = 24 * time.Hour // a partner's clock may be behind
)

// ErrUnknownKey says that a handshake brought a key that is not paired; ErrCertificate that the key is known but the chain is not good.
var (
	ErrUnknownKey  = errors.New("this key is not paired")
	ErrCertificate = errors.New("the certificates are not good")
)

// issueLeaf makes a new leaf key and has the node key sign its certificate.
func (id *Identity) issueLeaf(now time.Time) (*tls.Certificate, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a leaf key: %w", err)
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	end := now.Add(id.leafLife)
	if end.After(id.cert.NotAfter) {
		end = id.cert.NotAfter
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: id.name + " leaf"},
		NotBefore:    now.Add(-backdate),
		NotAfter:     end,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, id.cert, public, id.key)
	if err != nil {
		return nil, fmt.Errorf("issuing a leaf certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("reading our own leaf back: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der, id.cert.Raw}, PrivateKey: private, Leaf: leaf}, nil
}

// newNodeCertificate makes the self-signed certificate that partners pin.
func newNodeCertificate(name string, key ed25519.PrivateKey, now time.Time, life time.Duration) (*x509.Certificate, error) {
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    now.Add(-backdate),
		NotAfter:     now.Add(life),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("making the node certificate: %w", err)
	}
	return x509.ParseCertificate(der)
}

func newSerial() (*big.Int, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("making a serial number: %w", err)
	}
	return serial.Add(serial, big.NewInt(1)), nil
}

// checkNodeKey allows the two kinds of key that a node certificate may have.
func checkNodeKey(cert *x509.Certificate) error {
	switch key := cert.PublicKey.(type) {
	case ed25519.PublicKey:
		return nil
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P256() {
			return nil
		}
	}
	return fmt.Errorf("%w: a node key is Ed25519 or ECDSA P-256", ErrCertificate)
}

// checkChain is the whole judgement on a handshake, the same at both ends: TLS 1.3, our protocol, exactly a leaf and
// a pinned node certificate, and a leaf that verifies under the node's key. There is no CA pool, and no CA bit is asked for.
// It returns the node certificate's pin also where it fails on it, for the list of knocks.
func checkChain(cs tls.ConnectionState, pinned func(pin) bool, now time.Time) (pin, error) {
	if cs.Version != tls.VersionTLS13 || cs.NegotiatedProtocol != protocolName || cs.DidResume {
		return pin{}, fmt.Errorf("%w: not a fresh TLS 1.3 handshake for %s", ErrCertificate, protocolName)
	}
	if len(cs.PeerCertificates) != 2 {
		return pin{}, fmt.Errorf("%w: %d certificates where a leaf and a node certificate are due", ErrCertificate, len(cs.PeerCertificates))
	}
	leaf, node := cs.PeerCertificates[0], cs.PeerCertificates[1]
	p := pinOf(node)
	if err := checkNodeKey(node); err != nil {
		return p, err
	}
	if err := node.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature); err != nil {
		return p, fmt.Errorf("%w: the leaf is not signed by the node key: %v", ErrCertificate, err)
	}
	if !pinned(p) {
		return p, fmt.Errorf("%w: node %s", ErrUnknownKey, p.NodeID())
	}
	for _, c := range []*x509.Certificate{leaf, node} {
		if now.Before(c.NotBefore) || now.After(c.NotAfter) {
			return p, fmt.Errorf("%w: valid from %s to %s, and our clock says %s", ErrCertificate,
				c.NotBefore.UTC().Format(time.RFC3339), c.NotAfter.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
		}
	}
	if leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0 || len(leaf.UnhandledCriticalExtensions) > 0 {
		return p, fmt.Errorf("%w: the leaf's key usage does not allow a handshake", ErrCertificate)
	}
	return p, nil
}
