package main

import (
	"bufio"
	"context"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// README's transcripts are true: each block that begins with ```console is
// played in one shell, in a folder of its own, and must print what it says. What
// is made by chance there is compared by its shape, and used in what follows as
// it came out here: ports, ids, fingerprints. Figures and times are compared by
// their shape too.

const shellPatience = 2 * time.Minute // for one command

// chance is what comes out differently each time, and is taken over.
var chance = regexp.MustCompile(`[0-9a-f]{8}(:[0-9a-f]{8}){7}|[A-Z2-7]{7}(-[A-Z2-7]{7}){7}`)

// figures that no two runs share, and what stands for them in the comparison.
var shapes = []struct {
	of *regexp.Regexp
	as string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d`), "DAY"},
	{regexp.MustCompile(`\d+ ms`), "N ms"},
	{regexp.MustCompile(`in \d+ s\b`), "in N s"},
	{regexp.MustCompile(`became \d+ replicas`), "became N replicas"},
	{regexp.MustCompile(`\d+\.\d calls`), "N calls"},
	{regexp.MustCompile(`\d+ polls`), "N polls"},
	{regexp.MustCompile(`\d+ to the tenant, \d+ points`), "N to the tenant, N points"},
	{regexp.MustCompile(`\([0-9a-f]{12}\)`), "(HASH)"},
	{regexp.MustCompile(`[ \t]+`), " "},
	{regexp.MustCompile(`(?m)^ | $`), ""},
}

func TestReadme(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	steps := transcript(string(text))
	if len(steps) < 15 {
		t.Fatalf("README shows %d commands", len(steps))
	}
	sh := newShell(t)
	here := strings.NewReplacer(freePorts(t, string(text))...)
	taken := map[string]string{} // README's chance → ours
	as := func(said string) string {
		for was, is := range taken {
			said = strings.ReplaceAll(said, was, is)
		}
		return here.Replace(said)
	}
	for _, s := range steps {
		got := sh.run(as(s.command))
		ours, theirs := chance.FindAllString(got, -1), chance.FindAllString(s.output, -1)
		for i := range min(len(ours), len(theirs)) {
			if _, known := taken[theirs[i]]; !known {
				taken[theirs[i]] = ours[i]
			}
		}
		if want := as(s.output); masked(got) != masked(want) {
			t.Errorf("$ %s\nprints\n%s\nREADME says\n%s", s.command, got, want)
		}
	}
}

// TestReadmeMasksLittle keeps the comparison from passing everything.
func TestReadmeMasksLittle(t *testing.T) {
	for _, pair := range [][2]string{
		{" ✓ it is there   12 ms", " ✗ it is there   12 ms"},
		{"SUPPORT-1  HELP-1  applied  -", "SUPPORT-1  HELP-1  held  -"},
		{"north  north  up     1      0", "north  north  up     1      1"},
		{"10 of 10 checks held, in 3 s.", "9 of 10 checks held, in 3 s."},
	} {
		if masked(pair[0]) == masked(pair[1]) {
			t.Errorf("%q passes for %q", pair[0], pair[1])
		}
	}
}

type shownStep struct{ command, output string }

// transcript takes the commands and what they print from console blocks. A
// command goes on behind a line that ends with \, inside '…', and to the END of
// a text that it takes.
func transcript(text string) (steps []shownStep) {
	blocks := regexp.MustCompile("(?ms)^```console\n(.*?)^```$").FindAllStringSubmatch(text, -1)
	for _, b := range blocks {
		var open bool // the command goes on
		for line := range strings.Lines(b[1]) {
			command, starts := strings.CutPrefix(line, "$ ")
			switch {
			case open:
				steps[len(steps)-1].command += line
			case starts:
				steps = append(steps, shownStep{command: command})
			default:
				steps[len(steps)-1].output += line
				continue
			}
			c := steps[len(steps)-1].command
			open = strings.HasSuffix(c, "\\\n") || strings.Contains(c, "<<'END'") && !strings.HasSuffix(c, "\nEND\n") ||
				!strings.Contains(c, "<<") && strings.Count(c, "'")%2 == 1
		}
	}
	return steps
}

// masked is output as it is compared. What crosses in the demo is told as it
// happens, so its lines are looked at by the demo's own test.
func masked(output string) string {
	var kept []string
	for line := range strings.Lines(output) {
		if !strings.HasPrefix(line, "   ") || !strings.Contains(line, " → ") {
			kept = append(kept, line)
		}
	}
	out := strings.TrimSpace(strings.Join(kept, ""))
	for _, s := range shapes {
		out = s.of.ReplaceAllString(out, s.as)
	}
	return out
}

// freePorts pairs the ports in a text with free ones.
func freePorts(t *testing.T, text string) (pairs []string) {
	known := map[string]bool{}
	for _, port := range regexp.MustCompile(`127\.0\.0\.1:\d+`).FindAllString(text, -1) {
		if known[port] {
			continue
		}
		known[port] = true
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		pairs = append(pairs, port, l.Addr().String())
	}
	return pairs
}

// shell is a bash that is told one command at a time.
type shell struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Reader
	end context.CancelFunc
}

func newShell(t *testing.T) *shell {
	ctx, cancel := context.WithCancel(t.Context())
	c := exec.CommandContext(ctx, "bash")
	c.Dir = t.TempDir()
	c.Env = append(os.Environ(), "PARLEY_HOME=")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatalf("README's transcripts need bash: %v", err)
	}
	sh := &shell{t, in, bufio.NewReader(out), cancel}
	t.Cleanup(func() {
		fmt.Fprintln(in, "kill $(jobs -p) 2>/dev/null; wait; exit")
		in.Close()
		c.Wait() // its last command's status says nothing
		cancel()
	})
	fmt.Fprintln(in, "exec 2>&1")
	return sh
}

var background = regexp.MustCompile(`> (\S+) (?:2> \S+ )?&$`)

// run runs a command and gives what it printed. One in the background has begun
// once its file holds a line.
func (sh *shell) run(command string) string {
	command = strings.TrimSuffix(command, "\n")
	if file := background.FindStringSubmatch(command); file != nil {
		command += fmt.Sprintf("\nuntil [ -s %s ]; do sleep 0.02; done", file[1])
	}
	late := time.AfterFunc(shellPatience, sh.end)
	defer late.Stop()
	const sign = "@@ the command has ended with "
	fmt.Fprintf(sh.in, "%s\necho \"%s$?\"\n", command, sign)
	var all strings.Builder
	for {
		line, err := sh.out.ReadString('\n')
		if err != nil {
			sh.t.Fatalf("$ %s\ndoes not end; it printed\n%s", command, all.String())
		}
		if status, ended := strings.CutPrefix(line, sign); ended {
			if status != "0\n" {
				sh.t.Errorf("$ %s\nexits with %s%s", command, status, all.String())
			}
			return all.String()
		}
		all.WriteString(line)
	}
}

// TestReadmeDependencies: README names every module that our code imports, with
// a reason, and no other.
func TestReadmeDependencies(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| .{10,} \\|$").FindAllStringSubmatch(string(text), -1) {
		named[row[1]] = false // not seen imported yet
	}
	if len(named) == 0 {
		t.Fatal("README has no table of dependencies")
	}
	for path, from := range imported(t) {
		module := ""
		for m := range named {
			if path == m || strings.HasPrefix(path, m+"/") {
				module = m
			}
		}
		if module == "" {
			t.Errorf("%s imports %s, which README does not explain", from, path)
			continue
		}
		named[module] = true
	}
	for m, used := range named {
		if !used {
			t.Errorf("README explains %s, which nothing imports", m)
		}
	}
}

// imported gives the packages of others that our code imports, each with a file
// that does.
func imported(t *testing.T) map[string]string {
	all := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && path != root) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if first, _, _ := strings.Cut(name, "/"); strings.Contains(first, ".") {
				all[name] = path
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
