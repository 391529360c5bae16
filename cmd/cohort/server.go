package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/secret"
)

// maxToken bounds the file of a token, in bytes.
const maxToken = 4 << 10

// defaultServer is where `cohort up` and coordinator serve by default.
const defaultServer = "http://127.0.0.1:7070"

// serverFlags say which coordinator is asked.
type serverFlags struct {
	Server    string `default:"${server}" env:"COHORT_SERVER" placeholder:"URL" help:"Address of a coordinator (${default})."`
	TokenFile string `env:"COHORT_TOKEN_FILE" placeholder:"FILE" complete:"file" help:"File with the token that the coordinator asks for. A token itself is taken from COHORT_TOKEN alone."`
}

// client is a client of the server that the flags name.
func (f serverFlags) client() (*api.Client, error) {
	token, err := f.token()
	if err != nil {
		return nil, usage(err)
	}
	c, err := api.NewClient(f.Server, api.Access{Token: secret.Text(token)})
	if err != nil {
		return nil, usage(fmt.Errorf("--server %q: %w", f.Server, err))
	}
	return c, nil
}

// token is the secret that the server asks for, empty for none.
func (f serverFlags) token() (string, error) {
	if f.TokenFile == "" {
		return os.Getenv("COHORT_TOKEN"), nil
	}
	file, err := os.Open(f.TokenFile)
	if err != nil {
		return "", fmt.Errorf("--token-file: %w", err)
	}
	defer func() { _ = file.Close() }()
	body, err := io.ReadAll(io.LimitReader(file, maxToken+1))
	if err != nil {
		return "", fmt.Errorf("--token-file: %w", err)
	}
	if len(body) > maxToken {
		return "", fmt.Errorf("--token-file %s: it is no token: more than %d bytes", f.TokenFile, maxToken)
	}
	return strings.TrimSpace(string(body)), nil
}

// jobFlags are those of a command about one job.
type jobFlags struct {
	Job string `arg:"" complete:"job" help:"Id of the job."`
}

// id is the job's id. What is no id names no job.
func (f jobFlags) id() (job.ID, error) {
	id, err := job.ParseID(f.Job)
	if err != nil {
		return "", unknownJob(f.Job, err)
	}
	return id, nil
}

// unknownJob says where the jobs are listed.
func unknownJob(id string, err error) error {
	if errors.Is(err, job.ErrInvalidID) {
		return fmt.Errorf("there is no job %q, which is no id: `cohort jobs` lists those there are", id)
	}
	return fmt.Errorf("there is no job %s: `cohort jobs` lists those there are", id)
}

// explain is an answer of the server about a job, with the remedy.
func explain(id job.ID, err error) error {
	if said, ok := errors.AsType[*api.Error](err); ok && said.Code == api.CodeUnknownJob {
		return unknownJob(string(id), err)
	}
	return err
}
