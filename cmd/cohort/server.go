package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"

	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/cmd/internal/contexts"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/secret"
	"github.com/cohort-rl/cohort/trust"
)

// defaultServer is where `cohort up` and coordinator serve by default.
const defaultServer = "http://127.0.0.1:7070"

// contextFlag chooses where the values of flags come from that are not given.
type contextFlag struct {
	Context string `env:"COHORT_CONTEXT" placeholder:"NAME" complete:"context" help:"Context to take what is not given from; see cohort context. Default: the current one."`
}

// serverFlags say which coordinator is asked.
type serverFlags struct {
	Server    string `default:"${server}" context:"server" env:"COHORT_SERVER" placeholder:"URL" help:"Address of a coordinator (${default})."`
	TokenFile string `context:"token" env:"COHORT_TOKEN_FILE" placeholder:"FILE" complete:"file" help:"File with the token that the coordinator asks for. A token itself is taken from COHORT_TOKEN alone."`
	CA        string `name:"ca" context:"ca" env:"COHORT_CA" placeholder:"FILE" complete:"file" help:"PEM file of authorities to trust beside the system's."`
	contextFlag
}

// client is a client of the server that the flags name.
func (f serverFlags) client() (*api.Client, error) {
	access, err := f.access()
	if err != nil {
		return nil, err
	}
	c, err := api.NewClient(f.Server, access)
	if err != nil {
		return nil, usage(fmt.Errorf("--server %q: %w", f.Server, err))
	}
	return c, nil
}

// access is what the server asks for, and what it is trusted by.
func (f serverFlags) access() (api.Access, error) {
	token, err := f.token()
	if err != nil {
		return api.Access{}, usage(fmt.Errorf("--token-file: %w", err))
	}
	access := api.Access{Token: token}
	if access.TLS, err = trust.Client(f.CA); err != nil {
		return api.Access{}, usage(fmt.Errorf("--ca: %w", err))
	}
	return access, nil
}

// token is the secret that the server asks for, empty for none. A file goes
// before the environment.
func (f serverFlags) token() (secret.Text, error) {
	if f.TokenFile == "" {
		return secret.Text(os.Getenv("COHORT_TOKEN")), nil
	}
	return secret.Choose("", f.TokenFile)
}

// hint are the flags to repeat in a command that is suggested.
func (f serverFlags) hint() string { return serverHint(f.Server, f.Context) }

// serverHint are the flags by which a command that is suggested reaches a
// server that was reached through a context, which may be none.
func serverHint(server, context string) string {
	usual, err := contexts.Choose("", os.Getenv)
	switch {
	case err == nil && server == cmp.Or(os.Getenv("COHORT_SERVER"), usual.Server, defaultServer):
		return ""
	case context != "":
		if c, err := contexts.Choose(context, os.Getenv); err == nil && c.Server == server {
			return " --context " + context
		}
	}
	return " --server " + server
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

// jobAt is the job that the flags name, and a client of its server.
func jobAt(j jobFlags, server serverFlags) (job.ID, *api.Client, error) {
	id, err := j.id()
	if err != nil {
		return "", nil, err
	}
	client, err := server.client()
	return id, client, err
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
