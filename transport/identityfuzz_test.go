package transport

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// FuzzLoadIdentity puts arbitrary bytes in the place of one of an identity's files:
// it is refused or it is a whole identity, and an error never quotes a key.
func FuzzLoadIdentity(f *testing.F) {
	home := f.TempDir()
	if _, err := CreateIdentity(filepath.Join(home, "good"), "north"); err != nil {
		f.Fatal(err)
	}
	names := []string{certificateFile, nodeKeyFile, ledgerKeyFile}
	good := map[string][]byte{}
	for i, name := range names {
		b, err := os.ReadFile(filepath.Join(home, "good", name))
		if err != nil {
			f.Fatal(err)
		}
		good[name] = b
		f.Add(byte(i), b)
		f.Add(byte(i), b[:len(b)/2])
	}
	f.Add(byte(1), good[ledgerKeyFile])
	f.Fuzz(func(t *testing.T, which byte, b []byte) {
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for i, name := range names {
			content := good[name]
			if i == int(which)%len(names) {
				content = b
			}
			if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		id, err := LoadIdentity(dir)
		switch {
		case err == nil && (id.NodeID() == "" || len(id.LedgerKey()) == 0 || checkNodeName(id.name) != nil):
			t.Errorf("half an identity: %+v", id)
		case err != nil && len(b) > 40 && strings.Contains(err.Error(), string(b)):
			t.Errorf("the error quotes the file: %v", err)
		}
	})
}

// FuzzChain judges arbitrary certificates of a handshake. Nobody can make one that
// is pinned here, so none is ever good.
func FuzzChain(f *testing.F) {
	id, err := NewIdentity("north")
	if err != nil {
		f.Fatal(err)
	}
	leaf, err := id.issueLeaf(time.Now())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(leaf.Certificate[0], leaf.Certificate[1])
	f.Add(leaf.Certificate[1], leaf.Certificate[0])
	f.Fuzz(func(t *testing.T, leaf, node []byte) {
		state := tls.ConnectionState{Version: tls.VersionTLS13, NegotiatedProtocol: protocolName}
		for _, der := range [][]byte{leaf, node} {
			cert, err := x509.ParseCertificate(der)
			if err != nil {
				return
			}
			state.PeerCertificates = append(state.PeerCertificates, cert)
		}
		p, err := checkChain(state, func(pin) bool { return false }, time.Now())
		if err == nil {
			t.Error("a chain that nobody pinned is good")
		}
		if _, err := ParseNodeID(string(p.NodeID())); err != nil {
			t.Error(err)
		}
	})
}

// FuzzFingerprint reads what a person types or pastes.
func FuzzFingerprint(f *testing.F) {
	f.Add(pin{1, 2}.Fingerprint())
	f.Add("SHA256:" + pin{3}.Fingerprint())
	f.Add(string(pin{4}.NodeID()))
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parseFingerprint(s)
		if err != nil {
			return
		}
		for _, again := range []string{p.Fingerprint(), string(p.NodeID())} {
			if q, err := parseFingerprint(again); q != p || err != nil {
				t.Errorf("%q reads as %q, which reads as another: %v", s, again, err)
			}
		}
	})
}

// FuzzWalk reads arbitrary bytes as a record, and writes its fields again.
func FuzzWalk(f *testing.F) {
	f.Add(putNumber(putText(nil, 1, "north"), 2, 7))
	f.Add([]byte{1, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		var again []byte
		err := walk(b, func(tag byte, value []byte) error {
			again = put(again, tag, value)
			return nil
		})
		if err == nil && string(again) != string(b) {
			t.Errorf("%x writes %x", b, again)
		}
	})
}
