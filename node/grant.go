package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"parley/conf"
	"parley/jsm"
)

// grantFile holds a person's login to the tenant: the refresh token above all.
// It belongs to the process that has the home open, and to no backup: a refresh
// token that was used before ends the login when it is used again.
const grantFile = "oauth.json"

const (
	grantVersion = 1
	maxGrantFile = 64 << 10 // bytes
)

// keptGrant is the file's content. Site, Server and Client say what it is good
// for: parley.toml may have changed since.
type keptGrant struct {
	Version int       `json:"version"`
	Site    string    `json:"site"`
	Server  string    `json:"auth_server"`
	Client  string    `json:"client_id"`
	Cloud   string    `json:"cloud_id"`
	Account string    `json:"account"`
	Refresh string    `json:"refresh_token"`
	Access  string    `json:"access_token"`
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until"`
	Scopes  []string  `json:"scopes"`
}

func (k keptGrant) grant() jsm.Grant {
	return jsm.Grant{Access: k.Access, Until: k.Until, Since: k.Since, Refresh: k.Refresh, Scopes: k.Scopes}
}

func (k *keptGrant) take(g jsm.Grant) {
	k.Access, k.Until, k.Since, k.Refresh, k.Scopes = g.Access, g.Until, g.Since, g.Refresh, g.Scopes
}

// fits tells whether the login is to the tenant that parley.toml names.
func (k keptGrant) fits(t conf.Tenant) bool {
	return k.Site == t.URL && k.Server == t.AuthServer && k.Client == t.Client
}

// readGrant reads the login of a home; the zero keptGrant where there is none.
// Every error wraps jsm.ErrLogin, for a new login heals it, or says what is
// wrong with the file's mode.
func readGrant(home string, t conf.Tenant) (keptGrant, error) {
	path := filepath.Join(home, grantFile)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return keptGrant{}, nil
	}
	if err != nil {
		return keptGrant{}, fmt.Errorf("reading the login: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return keptGrant{}, fmt.Errorf("reading the login: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return keptGrant{}, advise(fmt.Errorf("others may read %s (mode %04o)", path, info.Mode().Perm()), "chmod 600 '%s'", path)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxGrantFile+1))
	if err != nil {
		return keptGrant{}, fmt.Errorf("reading the login: %w", err)
	}
	k, err := parseGrant(b)
	if err != nil {
		return keptGrant{}, err
	}
	if !k.fits(t) {
		return keptGrant{}, fmt.Errorf("%s is of another site or client than %s names: %w", grantFile, nodeFile, jsm.ErrLogin)
	}
	return k, nil
}

// parseGrant decodes the file. Its errors do not quote it.
func parseGrant(b []byte) (keptGrant, error) {
	var k keptGrant
	switch {
	case len(b) > maxGrantFile:
		return k, fmt.Errorf("%s is too long: %w", grantFile, jsm.ErrLogin)
	case json.Unmarshal(b, &k) != nil || k.Refresh == "":
		return keptGrant{}, fmt.Errorf("%s is damaged: %w", grantFile, jsm.ErrLogin)
	case k.Version != grantVersion:
		return keptGrant{}, fmt.Errorf("%s is of version %d, this program knows %d: %w", grantFile, k.Version, grantVersion, jsm.ErrLogin)
	}
	return k, nil
}

// writeGrant replaces the file as a whole. It returns once the new one would
// survive a loss of power; after an error the old or the new one is there.
func writeGrant(home string, k keptGrant) error {
	k.Version = grantVersion
	b, err := json.Marshal(k)
	if err != nil {
		return fmt.Errorf("writing the login: %w", err)
	}
	path := filepath.Join(home, grantFile)
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a crash
		return fmt.Errorf("writing the login: %w", err)
	}
	if err := writePrivate(fresh, append(b, '\n')); err != nil {
		return fmt.Errorf("writing the login: %w", err)
	}
	if err := os.Rename(fresh, path); err != nil {
		return fmt.Errorf("writing the login: %w", err)
	}
	return syncDir(home)
}
