package spec_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job/spec"
)

// golden compares got with the file at path, or writes the file when
// UPDATE_GOLDEN is set.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s differs; got:\n%s\nwant:\n%s", path, got, want)
	}
}

// inputs returns the specs of a folder of testdata by file name.
func inputs(t *testing.T, folder string) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", folder, "*.yaml"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no specs in %s: %v", folder, err)
	}
	files := make(map[string][]byte)
	for _, path := range paths {
		if files[filepath.Base(path)], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func TestValidSpecsAreCompletedWithDefaults(t *testing.T) {
	t.Parallel()
	for name, data := range inputs(t, "valid") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := spec.Decode(name, data)
			if err != nil {
				t.Fatal(err)
			}
			canonical, err := s.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			digest, err := s.TrainingDigest(blob.DigestOf(nil))
			if err != nil {
				t.Fatal(err)
			}
			base := filepath.Join("testdata", "valid", strings.TrimSuffix(name, ".yaml"))
			golden(t, base+".defaults", spec.Marshal(s))
			golden(t, base+".json", append(canonical, '\n'))
			golden(t, base+".digest", []byte(digest+"\n"))
		})
	}
}

func TestInvalidSpecsNameEveryErrorAtOnce(t *testing.T) {
	t.Parallel()
	for name, data := range inputs(t, "invalid") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := spec.Decode(name, data)
			if err == nil || s != nil {
				t.Fatalf("decoded %+v, %v", s, err)
			}
			golden(t, filepath.Join("testdata", "invalid", strings.TrimSuffix(name, ".yaml")+".txt"), []byte(err.Error()+"\n"))
		})
	}
}

func TestSchemaIsStable(t *testing.T) {
	t.Parallel()
	schema, err := spec.Schema()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join("testdata", "schema.json"), schema)
}
