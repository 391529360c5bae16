package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

//go:embed python
var scripts embed.FS

// installing bounds the time for making the Python environment.
const installing = 20 * time.Minute

// python is the process that measures PyTorch.
type python struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines *bufio.Scanner
	torch string
	trl   string
}

// startPython starts the Python side in dir. Its error is why there is none.
func startPython(ctx context.Context, cache, dir string, stderr io.Writer) (*python, error) {
	interpreter, err := environment(ctx, cache, stderr)
	if err != nil {
		return nil, err
	}
	if err := os.CopyFS(dir, scripts); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, interpreter, filepath.Join("python", "serve.py"))
	cmd.Dir, cmd.Stderr = dir, stderr
	cmd.Env = append(os.Environ(), "OMP_NUM_THREADS=1", "MKL_NUM_THREADS=1", "HF_HUB_OFFLINE=1", "TOKENIZERS_PARALLELISM=false", "CUDA_VISIBLE_DEVICES=")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &python{cmd: cmd, stdin: stdin, lines: bufio.NewScanner(stdout)}
	var hello struct{ Torch, TRL string }
	if err := p.answer(&hello); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	p.torch, p.trl = hello.Torch, hello.TRL
	return p, nil
}

// environment is the interpreter of a virtual environment that has the pinned
// packages. It is made once per set of versions.
func environment(ctx context.Context, cache string, stderr io.Writer) (string, error) {
	system, err := exec.LookPath("python3")
	if err != nil {
		return "", err
	}
	version, err := exec.CommandContext(ctx, system, "-c", "import sys; print(sys.version, sys.base_prefix)").Output()
	if err != nil {
		return "", fmt.Errorf("run python3: %w", err)
	}
	pinned, err := scripts.ReadFile("python/requirements.txt")
	if err != nil {
		return "", err
	}
	if cache, err = filepath.Abs(cache); err != nil {
		return "", err
	}
	sum := sha256.Sum256(append(pinned, version...))
	made := filepath.Join(cache, "trl-"+hex.EncodeToString(sum[:8]))
	interpreter := filepath.Join(made, "bin", "python")
	if _, err := os.Stat(interpreter); err == nil {
		return interpreter, nil
	}
	fmt.Fprintf(stderr, "installing %s into %s, which takes minutes and 6 GB\n", "torch and trl", made)
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	fresh, err := os.MkdirTemp(cache, "trl-new-") // renamed into place, so on the same file system
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(fresh) }() // It is renamed if all went well.
	requirements := filepath.Join(fresh, "requirements.txt")
	if err := os.WriteFile(requirements, pinned, 0o600); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, installing)
	defer cancel()
	if out, err := exec.CommandContext(ctx, system, "-m", "venv", fresh).CombinedOutput(); err != nil {
		return "", fmt.Errorf("make a virtual environment: %w\n%s", err, out)
	}
	if out, err := exec.CommandContext(ctx, filepath.Join(fresh, "bin", "python"), "-m", "pip", "install",
		"--quiet", "--no-cache-dir", "--disable-pip-version-check", "--no-input", "--only-binary=:all:", "--requirement", requirements).CombinedOutput(); err != nil {
		return "", fmt.Errorf("pip cannot install what bench/loss/python/requirements.txt pins: %w\n%s", err, out)
	}
	return interpreter, os.Rename(fresh, made)
}

// measure is the time of the fastest call in a turn, in seconds.
func (p *python) measure(kind, folder string, turn time.Duration) (float64, error) {
	request := struct {
		Kind    string  `json:"kind"`
		Case    string  `json:"case"`
		Seconds float64 `json:"seconds"`
	}{kind, folder, turn.Seconds()}
	if err := json.NewEncoder(p.stdin).Encode(request); err != nil {
		return 0, fmt.Errorf("ask Python: %w", err)
	}
	var answer struct {
		Seconds float64 `json:"seconds"`
	}
	err := p.answer(&answer)
	return answer.Seconds, err
}

func (p *python) answer(dst any) error {
	if !p.lines.Scan() {
		return errors.Join(errors.New("the Python side ended"), p.lines.Err())
	}
	return json.Unmarshal(p.lines.Bytes(), dst)
}

func (p *python) versions() string {
	if p == nil {
		return ""
	}
	return fmt.Sprintf("PyTorch %s, TRL %s.", p.torch, p.trl)
}

// stop ends the process and waits for its end.
func (p *python) stop() error { return errors.Join(p.stdin.Close(), p.cmd.Wait()) }
