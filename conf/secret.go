package conf

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// Secret says where a secret is; it never holds it. At most one source is set.
type Secret struct {
	Env     string // name of an environment variable
	File    string // path, relative to the home; its mode must hide it from others
	Command string // run by the shell in the home; its first output line is the secret
}

// IsSet reports whether there is a source.
func (s Secret) IsSet() bool { return s != Secret{} }

// Read fetches the secret, anew each time, so that a changed one is found. what
// names it in errors, which never hold it; "" where there is no source.
func (s Secret) Read(ctx context.Context, home, what string) (v string, err error) {
	switch {
	case s.Env != "":
		v, err = cleanToken(os.Getenv(s.Env), "environment variable "+s.Env)
	case s.File != "":
		path := s.File
		if !filepath.IsAbs(path) {
			path = filepath.Join(home, path)
		}
		v, err = readToken(path)
	case s.Command != "":
		v, err = runToken(ctx, s.Command, home)
	}
	if err != nil {
		return "", fmt.Errorf("reading the %s: %w", what, err)
	}
	return v, nil
}

// secret reads WORD_env, WORD_file and WORD_command, of which one may be written.
func (t *table) secret(word string) (s Secret) {
	sources := 0
	for _, one := range []struct {
		end string
		to  *string
	}{{"_env", &s.Env}, {"_file", &s.File}, {"_command", &s.Command}} {
		v := t.text(word + one.end)
		if !v.IsSet() {
			continue
		}
		*one.to = v.Value
		if sources++; sources > 1 {
			t.ps.Add(v.Pos, fmt.Sprintf("keep one of %s_env, %s_file, %s_command", word, word, word), "%q has two sources in %s", word, t.where)
		}
		if v.Value == "" || one.end == "_env" && !goodEnv.MatchString(v.Value) {
			t.ps.Add(v.Pos, "", "%s does not name anything that could hold it", word+one.end)
		}
	}
	return s
}
