package blob

import (
	"context"
	"iter"
	"strings"
)

// Folders yields the names of the folders right below prefix, which ends in a
// slash, in their order. It looks at one key of each, however many they hold. An
// error is the last that it yields.
func Folders(ctx context.Context, b Bucket, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for after := ""; ; {
			name, err := firstFolder(ctx, b, prefix, after)
			if err != nil {
				yield("", err)
				return
			}
			if name == "" || !yield(name, nil) {
				return
			}
			after = prefix + name + "0" // behind all keys of this one: "0" follows "/"
		}
	}
}

// firstFolder is the first folder behind after; empty if there is none.
func firstFolder(ctx context.Context, b Bucket, prefix, after string) (string, error) {
	for info, err := range b.List(ctx, prefix, after) {
		name, _, _ := strings.Cut(strings.TrimPrefix(info.Key, prefix), "/")
		return name, err
	}
	return "", nil
}
