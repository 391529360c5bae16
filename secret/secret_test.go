package secret_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/secret"
)

func TestTextIsNeverPrinted(t *testing.T) {
	t.Parallel()
	s := struct{ Key secret.Text }{"hunter2"}
	body, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	printed := fmt.Sprintf("%v %+v %#v %s %q %x %d %s %s", s, s, s, s.Key, s.Key, s.Key, s.Key, s.Key.String(), body)
	if strings.Contains(printed, "hunter2") || strings.Contains(printed, "68756e74657232") {
		t.Errorf("printed %s", printed)
	}
	if s.Key.Reveal() != "hunter2" {
		t.Errorf("revealed %q", s.Key.Reveal())
	}
}

func TestSecretIsTextOrFileButNotBoth(t *testing.T) {
	t.Parallel()
	write := func(content string) string {
		file := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	for name, test := range map[string]struct {
		given secret.Text
		file  string
		want  secret.Text
		wrong string
	}{
		"neither":   {},
		"text":      {given: "hunter2", want: "hunter2"},
		"file":      {file: write(" hunter2\n"), want: "hunter2"},
		"both":      {given: "hunter2", file: write("hunter2"), wrong: "given twice"},
		"no file":   {file: "/nowhere", wrong: "/nowhere"},
		"empty":     {file: write("\n"), wrong: "is empty"},
		"too large": {file: write(strings.Repeat("hunter2", secret.MaxFile)), wrong: "more than 4096 bytes"},
	} {
		got, err := secret.Choose(test.given, test.file)
		if got != test.want || (err != nil) != (test.wrong != "") {
			t.Errorf("%s: %q, %v", name, got.Reveal(), err)
		}
		if err != nil && (!strings.Contains(err.Error(), test.wrong) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%s: %v, want %q and no secret", name, err, test.wrong)
		}
	}
}
