package reward

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cohort-rl/cohort/job/spec"
)

// Check compiles what a spec's rewards hold: expressions and schemas. What is
// wrong is of type spec.Errors, with the path of the field, and the place in the
// expression; line gives the line of a path in the spec's file, if it is known.
func Check(file string, s spec.Reward, line func(path string, entry int) int) error {
	var all spec.Errors
	add := func(prefix string, c spec.Component, entry int) {
		_, err := newPart(c, Services{unchecked: true})
		if err == nil {
			return
		}
		field, message, _ := strings.Cut(err.Error(), ": ")
		if entry >= 0 {
			message = fmt.Sprintf("of %s: %s", c.Name, message)
		}
		wrong := &spec.Error{File: file, Field: prefix + field, Message: message}
		if line != nil {
			wrong.Line = line(wrong.Field, entry)
		}
		all = append(all, wrong)
	}
	if len(s.Components) == 0 {
		add("reward.", s.Sole(), -1)
	}
	for i, c := range s.Components {
		add("reward.components.", c, i)
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// errNoClient says that a process does not ask servers for rewards.
var errNoClient = errors.New("this process asks no server for rewards")
