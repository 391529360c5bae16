package reward

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"

	"github.com/cohort-rl/cohort/job/spec"
)

// Bounds of an expression.
const (
	maxExpression = 16384 // characters
	maxDepth      = 64    // of the tree
	defaultCost   = 1_000_000
	checkEvery    = 1000 // comprehension steps between looks at the context
)

// A CompileError is what is wrong with an expression, and where in it: lines and
// columns count from 1.
type CompileError struct {
	Line, Column int
	Message      string
}

// Error says where and what.
func (e *CompileError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}

// program is a compiled expression.
type program struct{ cel.Program }

// environment has the variables of expressions.
func environment() (*cel.Env, error) {
	object := func(of any) *cel.Type {
		return cel.ListType(cel.ObjectType("reward." + reflect.TypeOf(of).Name()))
	}
	return cel.NewEnv(
		cel.ParserRecursionLimit(maxDepth), cel.ParserExpressionSizeLimit(maxExpression),
		ext.NativeTypes(ext.ParseStructTags(true), reflect.TypeFor[Event](), reflect.TypeFor[Decision](), reflect.TypeFor[ModelCall](),
			reflect.TypeFor[ToolCall](), reflect.TypeFor[Failure]()),
		ext.Strings(ext.StringsVersion(4)), ext.Math(), ext.Lists(),
		cel.Variable("task", cel.MapType(cel.StringType, cel.DynType)),
		cel.Variable("answer", cel.NullableType(cel.StringType)),
		cel.Variable("rewards", cel.MapType(cel.StringType, cel.DoubleType)),
		cel.Variable("decisions", object(Decision{})),
		cel.Variable("model_calls", object(ModelCall{})),
		cel.Variable("tool_calls", object(ToolCall{})),
		cel.Variable("errors", object(Failure{})),
		cel.Variable("events", object(Event{})),
		cel.Variable("truncated", cel.BoolType),
	)
}

// compile compiles an expression whose result must be of one of some types. What
// is wrong with it is a *CompileError.
func compile(text string, cost int, kinds ...*cel.Type) (program, error) {
	env, err := environment()
	if err != nil {
		return program{}, err
	}
	ast, issues := env.Compile(text)
	if all := issues.Errors(); len(all) > 0 {
		at := all[0].Location
		return program{}, &CompileError{Line: max(at.Line(), 1), Column: max(at.Column(), 0) + 1, Message: strings.Join(strings.Fields(all[0].Message), " ")}
	}
	fits := false
	for _, k := range append(kinds, cel.DynType, cel.NullType) {
		fits = fits || ast.OutputType().IsExactType(k) || ast.OutputType().IsExactType(cel.NullableType(k))
	}
	if !fits {
		return program{}, &CompileError{Line: 1, Column: 1, Message: fmt.Sprintf("it gives %s, and must give %s", ast.OutputType(), names(kinds))}
	}
	p, err := env.Program(ast, cel.CostLimit(uint64(max(cost, 1))), cel.InterruptCheckFrequency(checkEvery), cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return program{}, &CompileError{Line: 1, Column: 1, Message: err.Error()}
	}
	return program{p}, nil
}

func names(kinds []*cel.Type) string {
	var all []string
	for _, k := range kinds {
		all = append(all, k.String())
	}
	return strings.Join(all, " or ")
}

// value is what an expression gives for an item, nil for null. fault is why it
// gives nothing; an error is that of the context.
func (p program) value(ctx context.Context, item Item) (value ref.Val, fault string, err error) {
	task, err := taskOf(item)
	if err != nil {
		return nil, err.Error(), nil //nolint:nilerr // it is the item's fault, and no error
	}
	t := threadOf(item)
	var answer any = types.NullValue
	if t.Answered {
		answer = t.Answer
	}
	out, _, err := p.ContextEval(ctx, map[string]any{
		"task": task, "answer": answer, "rewards": t.Rewards, "decisions": t.Decisions, "model_calls": t.ModelCalls,
		"tool_calls": t.ToolCalls, "errors": t.Errors, "events": t.Events, "truncated": t.Truncated,
	})
	switch {
	case ctx.Err() != nil:
		return nil, "", ctx.Err()
	case err != nil:
		return nil, clipped(err.Error()), nil
	case out == nil || out.Type() == types.NullType:
		return nil, "", nil
	}
	return out, "", nil
}

// maxFault bounds the bytes of a fault.
const maxFault = 300

func clipped(s string) string {
	if s = strings.Join(strings.Fields(s), " "); len(s) > maxFault {
		s = strings.ToValidUTF8(s[:maxFault], "")
	}
	return s
}

// expression is a reward in CEL.
type expression struct{ program }

func newExpression(s *spec.CEL) (Scorer, error) {
	p, err := compile(s.Expression, s.Cost, cel.DoubleType, cel.IntType, cel.UintType, cel.BoolType)
	if err != nil {
		return nil, fmt.Errorf("cel.expression: %w", err)
	}
	return expression{p}, nil
}

func (e expression) Score(ctx context.Context, items []Item) ([]Score, error) {
	return each(ctx, items, func(ctx context.Context, item Item) (Score, error) {
		v, fault, err := e.value(ctx, item)
		if err != nil || fault != "" || v == nil {
			return Score{Fault: fault}, err
		}
		n, ok := numberOf(v)
		if !ok {
			return Score{Fault: fmt.Sprintf("the expression gave %s, which is no number", v.Type().TypeName())}, nil
		}
		return Score{Given: true, Value: n}, nil
	})
}

// numberOf is a number, or 1 for true and 0 for false.
func numberOf(v ref.Val) (float64, bool) {
	switch n := v.Value().(type) {
	case float64:
		return n, true
	case int64:
		return float64(n), true
	case uint64:
		return float64(n), true
	case bool:
		if n {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}
