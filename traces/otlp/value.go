package otlp

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
)

// Attributes are values by name. A value is nil, a string, a bool, an int64, a
// float64, a []byte, a []any or a map[string]any.
type Attributes map[string]any

// attributes reads key-value pairs. Of keys that repeat, which OTLP forbids, the
// last counts.
func attributes(pairs []*commonpb.KeyValue) Attributes {
	if len(pairs) == 0 {
		return nil
	}
	all := make(Attributes, len(pairs))
	for _, p := range pairs {
		all[p.GetKey()] = value(p.GetValue())
	}
	return all
}

func value(v *commonpb.AnyValue) any {
	switch v := v.GetValue().(type) {
	case *commonpb.AnyValue_StringValue:
		return v.StringValue
	case *commonpb.AnyValue_BoolValue:
		return v.BoolValue
	case *commonpb.AnyValue_IntValue:
		return v.IntValue
	case *commonpb.AnyValue_DoubleValue:
		return v.DoubleValue
	case *commonpb.AnyValue_BytesValue:
		return v.BytesValue
	case *commonpb.AnyValue_ArrayValue:
		list := make([]any, len(v.ArrayValue.GetValues()))
		for i, item := range v.ArrayValue.GetValues() {
			list[i] = value(item)
		}
		return list
	case *commonpb.AnyValue_KvlistValue:
		return map[string]any(attributes(v.KvlistValue.GetValues()))
	}
	return nil
}

// Under gathers attributes that spell out a structure in their names, as
// gen_ai.prompt.0.role does: the value under gen_ai.prompt is a list of maps.
// It is nil if there are none. Numbers without the first ones still make a
// list, of those that are there.
func (a Attributes) Under(prefix string) any {
	prefix += "."
	var tree map[string]any
	for _, key := range slices.Sorted(maps.Keys(a)) {
		path, ok := strings.CutPrefix(key, prefix)
		if !ok || path == "" {
			continue
		}
		if tree == nil {
			tree = map[string]any{}
		}
		graft(tree, path, a[key])
	}
	if tree == nil {
		return nil
	}
	return listed(tree)
}

// maxPath bounds the dots in a name that are followed.
const maxPath = 16

// graft puts a value into a tree at a dotted path. A value that stands where a
// branch must stand gives way.
func graft(tree map[string]any, path string, v any) {
	for range maxPath {
		head, rest, more := strings.Cut(path, ".")
		if !more {
			break
		}
		branch, ok := tree[head].(map[string]any)
		if !ok {
			branch = map[string]any{}
			tree[head] = branch
		}
		tree, path = branch, rest
	}
	if _, taken := tree[path]; !taken {
		tree[path] = v
	}
}

// listed turns maps whose keys are all numbers into lists in their order.
func listed(v any) any {
	tree, ok := v.(map[string]any)
	if !ok {
		return v
	}
	type numbered struct {
		at   int
		item any
	}
	list := make([]numbered, 0, len(tree))
	for _, key := range slices.Sorted(maps.Keys(tree)) {
		tree[key] = listed(tree[key])
		if at, err := strconv.Atoi(key); err == nil && at >= 0 {
			list = append(list, numbered{at, tree[key]})
		}
	}
	if len(list) < len(tree) || len(list) == 0 {
		return tree
	}
	slices.SortStableFunc(list, func(a, b numbered) int { return a.at - b.at })
	items := make([]any, len(list))
	for i, n := range list {
		items[i] = n.item
	}
	return items
}
