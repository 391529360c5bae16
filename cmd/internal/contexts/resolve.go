package contexts

import (
	"cmp"
	"slices"

	"github.com/alecthomas/kong"
)

// Resolver gives flags the values of a context: of the one that the flag
// --context or COHORT_CONTEXT names, or else of the current one. A flag says by
// its tag context:"server", "store", "token" or "ca" which value it takes; the
// flag --store needs no tag, and context:"-" takes none. What was given stays,
// on the command line or in a variable. A server that was given is never sent
// the token of a context's server.
type Resolver struct {
	getenv func(string) string
	err    error
}

var _ kong.Resolver = (*Resolver)(nil)

// NewResolver returns a resolver for one parse.
func NewResolver(getenv func(string) string) *Resolver { return &Resolver{getenv: getenv} }

// Err is why there was no context to take values from, although one was named
// or is the current one. It is to be looked at before the parser's own error,
// which only says what is missing without it.
func (r *Resolver) Err() error { return r.err }

// Validate implements kong.Resolver.
func (r *Resolver) Validate(*kong.Application) error { return nil }

// Resolve implements kong.Resolver.
func (r *Resolver) Resolve(ctx *kong.Context, parent *kong.Path, flag *kong.Flag) (any, error) {
	node := ctx.Selected()
	if node == nil || parent.Node() != node || r.isSet(flag) {
		return nil, nil //nolint:nilnil // kong keeps what the flag has
	}
	if value := r.value(ctx, node, fieldOf(flag)); value != "" {
		return value, nil
	}
	return nil, nil //nolint:nilnil // kong keeps what the flag has
}

// value is what the context gives for a field, empty for nothing.
func (r *Resolver) value(ctx *kong.Context, node *kong.Node, field string) string {
	if field == "" {
		return ""
	}
	c, err := r.chosen(ctx, node)
	if err != nil {
		r.err = err
	}
	switch field {
	case "server":
		return c.Server
	case "store":
		return c.Store
	}
	// The others belong to the context's server.
	switch {
	case r.gave(ctx, node, "server"):
		return ""
	case field == "ca":
		return c.CA
	case field == "token" && r.getenv("COHORT_TOKEN") == "":
		return c.TokenFile
	}
	return ""
}

// fieldOf is what the flag takes of a context.
func fieldOf(flag *kong.Flag) string {
	switch field := flag.Tag.Get("context"); {
	case field == "-":
		return ""
	case field == "" && flag.Name == "store":
		return "store"
	default:
		return field
	}
}

// chosen is the context that the command line names.
func (r *Resolver) chosen(ctx *kong.Context, node *kong.Node) (Context, error) {
	name := ""
	for _, flag := range flagsOf(node) {
		if given, ok := ctx.FlagValue(flag).(string); ok && flag.Name == "context" {
			name = given
		}
	}
	return Choose(name, r.getenv)
}

// Choose returns the context of that name, or else of the one in COHORT_CONTEXT,
// or else the current one; an empty one if there is none of these.
func Choose(name string, getenv func(string) string) (Context, error) {
	name = cmp.Or(name, getenv("COHORT_CONTEXT"))
	path, err := Path(getenv)
	if err != nil {
		if name == "" {
			err = nil // nobody asked for one
		}
		return Context{}, err
	}
	f, err := Load(path)
	if err != nil {
		return Context{}, err
	}
	if name = cmp.Or(name, f.Current); name == "" {
		return Context{}, nil
	}
	return f.Find(name)
}

// isSet says whether one of the flag's variables is.
func (r *Resolver) isSet(flag *kong.Flag) bool {
	return slices.ContainsFunc(flag.Envs, func(name string) bool { return r.getenv(name) != "" })
}

// gave says whether the flag that takes the field was given, or its variable.
func (r *Resolver) gave(ctx *kong.Context, node *kong.Node, field string) bool {
	for _, flag := range flagsOf(node) {
		if fieldOf(flag) != field {
			continue
		}
		if r.isSet(flag) {
			return true
		}
		for _, p := range ctx.Path {
			if p.Flag == flag && !p.Resolved {
				return true
			}
		}
	}
	return false
}

func flagsOf(node *kong.Node) []*kong.Flag {
	var all []*kong.Flag
	for _, group := range node.AllFlags(false) {
		all = append(all, group...)
	}
	return all
}
