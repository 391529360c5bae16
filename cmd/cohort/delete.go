package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/charmbracelet/x/term"
)

type deleteCommand struct {
	jobFlags
	Yes bool `short:"y" help:"Do not ask. Needed where standard input is no terminal."`
	serverFlags
}

// Help says what is deleted.
func (deleteCommand) Help() string {
	return "Everything that the job has in the object store is deleted, its checkpoints and ledgers too, and its topic in Kafka unless its spec names one. " +
		"Fetch what you want to keep with cohort results before. A job that runs is refused; a deletion that was cut short is completed by the next."
}

// Run deletes the job, once the user has agreed.
func (c *deleteCommand) Run(ctx context.Context, s *streams) error {
	id, client, err := jobAt(c.jobFlags, c.serverFlags)
	if err != nil {
		return err
	}
	defer client.Close()
	if !c.Yes {
		if err := agree(s, fmt.Sprintf("Delete job %s with its checkpoints, ledgers and traces for good?", id)); err != nil {
			return err
		}
	}
	if err := client.Delete(ctx, id); err != nil {
		return explain(id, err)
	}
	_, err = fmt.Fprintf(s.out, "Deleted job %s.\n", id)
	return err
}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 256

// agree asks a question that only "yes" answers.
func agree(s *streams, question string) error {
	in, ok := s.in.(*os.File)
	if !ok || !term.IsTerminal(in.Fd()) {
		return usage(errors.New("there is no terminal to ask at: say --yes if the job is to be deleted"))
	}
	fmt.Fprintf(s.err, "%s Type yes: ", question)
	answer, err := bufio.NewReader(io.LimitReader(in, maxAnswer)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the answer: %w", err)
	}
	if strings.TrimSpace(answer) != "yes" {
		return errors.New("nothing was deleted")
	}
	return nil
}
