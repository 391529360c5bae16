package completion_test

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/cohort-rl/cohort/cmd/internal/completion"
)

var update = flag.Bool("update", false, "write the golden files")

// commands has one of each kind of flag and argument.
type commands struct {
	List struct {
		Output string `short:"o" default:"table" enum:"table,json" help:"Form: it's [${enum}]."`
		All    bool   `help:"List all."`
		Into   string `complete:"dir" help:"Folder."`
	} `cmd:"" help:"List what there is."`
	Send struct {
		File string `arg:"" complete:"file" help:"What to send."`
	} `cmd:"" help:"Send: a file."`
	Show struct {
		Job string `arg:"" complete:"job" help:"Which."`
		Key string `help:"Anything."`
	} `cmd:"" help:"Show a job."`
	Remote struct {
		Add struct {
			Name string `arg:"" complete:"context" help:"Which."`
			URL  string `name:"url" help:"Where."`
		} `cmd:"" help:"Add one."`
		List struct {
			Long bool `help:"In full."`
		} `cmd:"" help:"List them."`
	} `cmd:"" help:"Manage remotes."`
	Secret struct{} `cmd:"" hidden:"" help:"Not to be seen."`
}

func script(t *testing.T, shell string) string {
	t.Helper()
	parser, err := kong.New(new(commands), kong.Name("tool"))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := completion.Write(&out, shell, parser.Model); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestScriptsAreThoseOfTheGoldenFiles(t *testing.T) {
	t.Parallel()
	for _, shell := range completion.Shells() {
		path := filepath.Join("testdata", "tool."+shell)
		got := script(t, shell)
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s differs (-update writes it):\n%s", path, got)
		}
		if strings.Contains(got, "ecret") {
			t.Errorf("%s completes a hidden command", shell)
		}
	}
}

func TestInstalledShellsParseTheirScripts(t *testing.T) {
	t.Parallel()
	for _, shell := range completion.Shells() {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			path, err := exec.LookPath(shell)
			if err != nil {
				t.Skip(shell + " is not installed")
			}
			file := filepath.Join(t.TempDir(), "script")
			if err := os.WriteFile(file, []byte(script(t, shell)), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.CommandContext(t.Context(), path, "-n", file).CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

func TestBashCompletes(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed")
	}
	dir := t.TempDir()
	for _, name := range []string{"a file", "another"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"tool ":                "list send show remote --help",
		"tool s":               "send show",
		"tool list --":         "--help --output --all --into",
		"tool list -o ":        "table json",
		"tool list --output j": "json",
		"tool list --into ":    "folder",
		"tool send a":          "a file another",
		"tool show ":           "job-1 job-2",
		"tool show --key ":     "",
		"tool remote ":         "add list",
		"tool remote l":        "list",
		"tool remote add ":     "home work",
		"tool remote add --":   "--help --url",
		"tool remote list --l": "--long",
	} {
		words := strings.Split(line, " ")
		command := script(t, "bash") + `
tool() {
  [ "$1 $2 $3" = 'jobs -o name' ] && printf 'job-1\njob-2\n'
  [ "$1 $2 $3 $4" = 'context list -o name' ] && printf 'home\nwork\n'
}
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_tool
echo "${COMPREPLY[*]}"`
		run := exec.CommandContext(t.Context(), bash, append([]string{"-c", command, "bash"}, words...)...)
		run.Dir = dir
		out, err := run.Output()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", line, got, err, want)
		}
	}
}
